// Opening, closing, owning and tuning descriptors of any kind.

#include <cerrno>

#include "../core/creation.h"
#include "../core/descriptors.h"
#include "calls.h"

namespace genloop {

namespace {

constexpr int64_t kGreatestMode = 07777;

napi_value open(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "open");
  const std::string path = arguments.text(0, "path");
  const int flags = arguments.int32(1, "flags");
  const int64_t mode = arguments.integer(2, "mode", 0, kGreatestMode);
  if (path.find('\0') != std::string::npos) {
    arguments.typeError("open: path must not contain a NUL");
  }
  if (arguments.failed()) return nullptr;
  return arguments.opened(openFile(path.c_str(), flags, static_cast<mode_t>(mode)));
}

napi_value close(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "close");
  const int fd = arguments.descriptor(0);
  if (arguments.failed()) return nullptr;
  // Forgotten first: as soon as close has begun, another thread may get the number.
  arguments.environment().open.remove(fd);
  return arguments.number(closeDescriptor(fd));
}

napi_value pipe(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "pipe");
  int32_t* pair = arguments.pair(0, "pair");
  if (arguments.failed()) return nullptr;
  int opened[2];
  const int64_t status = openPipe(opened);
  return arguments.openedPair(status, opened, pair);
}

napi_value dup(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "dup");
  const int fd = arguments.descriptor(0);
  if (arguments.failed()) return nullptr;
  return arguments.opened(duplicate(fd));
}

napi_value fcntl(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "fcntl");
  const int fd = arguments.descriptor(0);
  const int command = arguments.int32(1, "command");
  const int argument = arguments.int32(2, "argument");
  if (arguments.failed()) return nullptr;
  return arguments.number(controlDescriptor(fd, command, argument));
}

napi_value fstat(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "fstat");
  const int fd = arguments.descriptor(0);
  if (arguments.failed()) return nullptr;
  return arguments.number(fileMode(fd));
}

napi_value ioctl(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "ioctl");
  const int fd = arguments.descriptor(0);
  const uint32_t request = arguments.bits(1, "request");
  const Bytes bytes = arguments.bytes(2, "argument");
  const size_t needed = requestSize(request);
  if (bytes.length < needed) {
    arguments.rangeError("ioctl: argument must have at least %zu bytes for this request, not %zu", needed,
                         bytes.length);
  }
  if (arguments.failed()) return nullptr;
  return arguments.number(controlDevice(fd, request, bytes.data, bytes.length));
}

napi_value eventfd(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "eventfd");
  const int64_t initial = arguments.integer(0, "initial", 0, UINT32_MAX);
  const int flags = arguments.int32(1, "flags");
  if (arguments.failed()) return nullptr;
  return arguments.opened(openEventCounter(static_cast<unsigned>(initial), flags));
}

napi_value own(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "own");
  const int fd = arguments.descriptor(0);
  if (arguments.failed()) return nullptr;
  // Checked, because the set grows with the greatest number in it, and the kernel bounds only open
  // ones.
  if (!isOpen(fd)) return arguments.number(int64_t{-EBADF});
  arguments.environment().open.add(fd);
  return arguments.number(int64_t{0});
}

napi_value disown(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "disown");
  const int fd = arguments.descriptor(0);
  if (arguments.failed()) return nullptr;
  arguments.environment().open.remove(fd);
  return arguments.number(int64_t{0});
}

}  // namespace

bool defineDescriptorCalls(Environment* environment, napi_value exports) {
  static const Call kCalls[] = {
      {"open", open},   {"close", close}, {"pipe", pipe}, {"dup", dup},         {"fcntl", fcntl},
      {"fstat", fstat}, {"ioctl", ioctl}, {"own", own},   {"eventfd", eventfd}, {"disown", disown},
  };
  return defineAll(environment, exports, kCalls);
}

}  // namespace genloop
