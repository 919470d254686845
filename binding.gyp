{
  # The build in a clone: `npm run build:addon`. The other one is native/CMakeLists.txt; both read native/sources.gypi.
  'includes': ['native/sources.gypi'],
  'target_defaults': {
    'include_dirs': ['native'],
    'defines': ['NAPI_VERSION=8'],
    'cflags': ['-O2', '-Wall', '-Wextra', '-fvisibility=hidden'],
    'cflags_cc': ['-fno-exceptions'],
    'xcode_settings': {
      'CLANG_CXX_LANGUAGE_STANDARD': 'c++17',
      'GCC_ENABLE_CPP_EXCEPTIONS': 'NO',
      'GCC_SYMBOLS_PRIVATE_EXTERN': 'YES',
      'GCC_OPTIMIZATION_LEVEL': '2',
      'MACOSX_DEPLOYMENT_TARGET': '11.0',
      'OTHER_CFLAGS': ['-Wall', '-Wextra'],
    },
  },
  'targets': [
    {
      # System calls and their packing, without Node: what unit tests and fuzzers link.
      'target_name': 'core',
      'type': 'static_library',
      'sources': ['<@(core_files)'],
    },
    {
      'target_name': 'addon',
      'dependencies': [
        'core',
        '<!(node -p "require(\'node-addon-api\').targets"):node_addon_api',
      ],
      'sources': ['<@(binding_files)'],
    },
  ],
}
