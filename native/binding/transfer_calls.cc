// The calls that move bytes: the hottest ones, together, so that what one of them costs is seen at
// a glance. They allocate nothing.

#include "../core/descriptors.h"
#include "../core/sockets.h"
#include "calls.h"

namespace genloop {

namespace {

napi_value recv(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "recv");
  const int fd = arguments.descriptor(0);
  const size_t offset = arguments.length(2, "offset");
  const size_t length = arguments.length(3, "length");
  const uint32_t flags = arguments.bits(4, "flags");
  const Bytes bytes = arguments.bytes(1, "buffer", offset, length);
  if (arguments.failed()) return nullptr;
  return arguments.number(receive(fd, bytes.data, bytes.length, static_cast<int>(flags)));
}

napi_value send(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "send");
  const int fd = arguments.descriptor(0);
  const size_t offset = arguments.length(2, "offset");
  const size_t length = arguments.length(3, "length");
  const uint32_t flags = arguments.bits(4, "flags");
  const Bytes bytes = arguments.bytes(1, "buffer", offset, length);
  if (arguments.failed()) return nullptr;
  return arguments.number(transmit(fd, bytes.data, bytes.length, static_cast<int>(flags)));
}

napi_value recvfrom(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "recvfrom");
  const int fd = arguments.descriptor(0);
  const size_t offset = arguments.length(2, "offset");
  const size_t length = arguments.length(3, "length");
  const uint32_t flags = arguments.bits(4, "flags");
  const Bytes bytes = arguments.bytes(1, "buffer", offset, length);
  uint8_t* slot = arguments.slot(5, "slot");
  if (arguments.failed()) return nullptr;
  return arguments.number(receiveFrom(fd, bytes.data, bytes.length, static_cast<int>(flags), slot));
}

napi_value sendto(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "sendto");
  const int fd = arguments.descriptor(0);
  const size_t offset = arguments.length(2, "offset");
  const size_t length = arguments.length(3, "length");
  const uint32_t flags = arguments.bits(4, "flags");
  const Bytes bytes = arguments.bytes(1, "buffer", offset, length);
  const AddressBytes address = arguments.address(5, "address");
  if (arguments.failed()) return nullptr;
  return arguments.number(
      transmitTo(fd, bytes.data, bytes.length, static_cast<int>(flags), address.address, address.length));
}

napi_value read(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "read");
  const int fd = arguments.descriptor(0);
  const size_t offset = arguments.length(2, "offset");
  const size_t length = arguments.length(3, "length");
  const Bytes bytes = arguments.bytes(1, "buffer", offset, length);
  if (arguments.failed()) return nullptr;
  return arguments.number(readBytes(fd, bytes.data, bytes.length));
}

napi_value write(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "write");
  const int fd = arguments.descriptor(0);
  const size_t offset = arguments.length(2, "offset");
  const size_t length = arguments.length(3, "length");
  const Bytes bytes = arguments.bytes(1, "buffer", offset, length);
  if (arguments.failed()) return nullptr;
  return arguments.number(writeBytes(fd, bytes.data, bytes.length));
}

}  // namespace

bool defineTransferCalls(Environment* environment, napi_value exports) {
  static const Call kCalls[] = {
      {"recv", recv}, {"send", send}, {"recvfrom", recvfrom}, {"sendto", sendto}, {"read", read}, {"write", write},
  };
  return defineAll(environment, exports, kCalls);
}

}  // namespace genloop
