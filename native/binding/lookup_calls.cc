// Names. The reading end belongs to the environment like any other descriptor, so a lookup that is
// under way at the end of the environment needs no care: its answer goes nowhere.

#include <sys/socket.h>

#include "../core/lookup.h"
#include "calls.h"

namespace genloop {

namespace {

napi_value getaddrinfo(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "getaddrinfo");
  const std::string host = arguments.text(0, "host");
  const int family = arguments.int32(1, "family");
  if (host.find('\0') != std::string::npos) {
    arguments.typeError("getaddrinfo: host must not contain a NUL");
  }
  if (arguments.failed()) return nullptr;
  return arguments.opened(startLookup(host, family));
}

}  // namespace

bool defineLookupCalls(Environment* environment, napi_value exports) {
  static const Call kCalls[] = {{"getaddrinfo", getaddrinfo}};
  return defineAll(environment, exports, kCalls);
}

}  // namespace genloop
