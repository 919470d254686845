// The way in. Node calls this once per environment, workers included; everything it makes belongs
// to that environment.

#include <napi.h>

#include "calls.h"

namespace genloop {

namespace {

#if defined(__linux__)
constexpr char kPlatform[] = "linux";
#elif defined(__APPLE__)
constexpr char kPlatform[] = "darwin";
#elif defined(__FreeBSD__)
constexpr char kPlatform[] = "freebsd";
#elif defined(__NetBSD__)
constexpr char kPlatform[] = "netbsd";
#elif defined(__OpenBSD__)
constexpr char kPlatform[] = "openbsd";
#else
#error "genloop: no support for this system"
#endif

bool defineEverything(Environment* environment, napi_value exports) {
  return defineAddressCalls(environment, exports) && defineSocketCalls(environment, exports) &&
         defineTransferCalls(environment, exports) && defineDescriptorCalls(environment, exports) &&
         defineReadinessCalls(environment, exports) && defineTimeCalls(environment, exports) &&
         defineSignalCalls(environment, exports) && defineLookupCalls(environment, exports) &&
         defineLoopCalls(environment, exports);
}

}  // namespace

}  // namespace genloop

NAPI_MODULE_INIT() {
  genloop::Environment* environment = genloop::Environment::create(env);
  if (environment == nullptr || !genloop::defineEverything(environment, exports)) {
    napi_throw_error(env, nullptr, "genloop: Node refused to set up the addon");
    return nullptr;
  }
  Napi::Object object(env, exports);
  object.Set("platform", genloop::kPlatform);
  object.Set("constants", Napi::Object(env, genloop::makeConstants(env)));
  return exports;
}
