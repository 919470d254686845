// Signals, of which the environment is the owner: at its end they are given back.

#include "../core/signals.h"
#include "calls.h"

namespace genloop {

namespace {

napi_value signalOpen(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "signalOpen");
  const int signal = arguments.int32(0, "signal");
  if (arguments.failed()) return nullptr;
  return arguments.number(openSignal(signal, &arguments.environment()));
}

napi_value signalClose(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "signalClose");
  const int signal = arguments.int32(0, "signal");
  if (arguments.failed()) return nullptr;
  return arguments.number(closeSignal(signal, &arguments.environment()));
}

napi_value raise(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "raise");
  const int signal = arguments.int32(0, "signal");
  if (arguments.failed()) return nullptr;
  return arguments.number(raiseSignal(signal));
}

}  // namespace

bool defineSignalCalls(Environment* environment, napi_value exports) {
  static const Call kCalls[] = {
      {"signalOpen", signalOpen},
      {"signalClose", signalClose},
      {"raise", raise},
  };
  return defineAll(environment, exports, kCalls);
}

}  // namespace genloop
