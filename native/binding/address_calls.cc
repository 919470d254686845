// Addresses between text and slots. Cold: a socket's own address slot is reused, and text is made
// only when asked for.

#include <napi.h>

#include "calls.h"

namespace genloop {

namespace {

constexpr int64_t kGreatestPort = 65535;

napi_value packHost(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "packAddress");
  const std::string host = arguments.text(1, "host");
  const int64_t port = arguments.integer(2, "port", 0, kGreatestPort);
  const int64_t scope = arguments.integer(3, "scopeid", 0, UINT32_MAX);
  uint8_t* slot = arguments.slot(0, "slot");
  if (arguments.failed()) return nullptr;
  return arguments.number(genloop::packAddress(slot, host, static_cast<uint16_t>(port), static_cast<uint32_t>(scope)));
}

napi_value packPath(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "packPath");
  const std::string path = arguments.text(1, "path");
  uint8_t* slot = arguments.slot(0, "slot");
  if (arguments.failed()) return nullptr;
  return arguments.number(genloop::packPath(slot, path));
}

napi_value unpack(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "unpackAddress");
  const Bytes slot = arguments.bytes(0, "slot");
  if (!arguments.failed() && slot.length < kSlotHeader) {
    arguments.rangeError("unpackAddress: slot must have at least %zu bytes, not %zu", kSlotHeader, slot.length);
  }
  if (arguments.failed()) return nullptr;
  const DecodedAddress decoded = genloop::unpackAddress(slot.data, slot.length - kSlotHeader);
  Napi::Object object = Napi::Object::New(env);
  object.Set("family", decoded.family);
  object.Set("address", decoded.address);
  object.Set("port", static_cast<double>(decoded.port));
  if (decoded.scope != 0) object.Set("scopeid", static_cast<double>(decoded.scope));
  return object;
}

}  // namespace

bool defineAddressCalls(Environment* environment, napi_value exports) {
  static const Call kCalls[] = {
      {"packAddress", packHost},
      {"packPath", packPath},
      {"unpackAddress", unpack},
  };
  return defineAll(environment, exports, kCalls);
}

}  // namespace genloop
