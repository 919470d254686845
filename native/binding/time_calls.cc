// The clock, and the timer that is a descriptor.

#include "../core/time.h"
#include "calls.h"

namespace genloop {

namespace {

napi_value clock(napi_env env, napi_callback_info) {
  napi_value number = nullptr;
  napi_create_double(env, genloop::now(), &number);
  return number;
}

napi_value timerfd(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "timerfd");
  return arguments.opened(openTimer());
}

napi_value timerfdSet(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "timerfdSet");
  const int fd = arguments.descriptor(0);
  const double deadline = arguments.milliseconds(1, "deadline");
  if (arguments.failed()) return nullptr;
  return arguments.number(setTimer(fd, deadline));
}

}  // namespace

bool defineTimeCalls(Environment* environment, napi_value exports) {
  static const Call kCalls[] = {
      {"now", clock},
      {"timerfd", timerfd},
      {"timerfdSet", timerfdSet},
  };
  return defineAll(environment, exports, kCalls);
}

}  // namespace genloop
