// The calls that move bytes: the hottest ones, together, so that what one of them costs is seen at
// a glance. They allocate nothing.

#include "../core/descriptors.h"
#include "../core/sockets.h"
#include "calls.h"

namespace genloop {

namespace {

napi_value recv(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "recv");
  const auto [fd, bytes, flags] = arguments.transfer();
  if (arguments.failed()) return nullptr;
  return arguments.number(receive(fd, bytes.data, bytes.length, flags));
}

napi_value recvEach(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "recvEach");
  const size_t count = arguments.length(1, "count");
  const size_t each = static_cast<size_t>(arguments.integer(3, "each", 1, INT32_MAX));
  const Rows rows = arguments.rows(0, "rows", kReceiveRow, count);
  const Bytes bytes = arguments.bytes(2, "buffer");
  if (arguments.failed()) return nullptr;
  if (bytes.length / each < count) {
    arguments.rangeError("recvEach: buffer has %zu bytes, and should have %zu times %zu", bytes.length, count, each);
    return nullptr;
  }
  return arguments.number(receiveEach(rows.data, rows.count, bytes.data, each));
}

napi_value send(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "send");
  const auto [fd, bytes, flags] = arguments.transfer();
  if (arguments.failed()) return nullptr;
  return arguments.number(transmit(fd, bytes.data, bytes.length, flags));
}

napi_value sendEach(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "sendEach");
  const size_t count = arguments.length(1, "count");
  const Rows rows = arguments.rows(0, "rows", kSendRow, count);
  const Bytes bytes = arguments.bytes(2, "buffer");
  if (arguments.failed()) return nullptr;
  // All of them before the first is sent.
  for (const int32_t* row = rows.data; row != rows.data + count * kSendRow; row += kSendRow) {
    const int64_t offset = row[1];
    const int64_t length = row[2];
    if (offset < 0 || length < 0 || offset + length > static_cast<int64_t>(bytes.length)) {
      arguments.rangeError("sendEach: a row says %d bytes at %d of a buffer of %zu", row[2], row[1], bytes.length);
      return nullptr;
    }
  }
  return arguments.number(transmitEach(rows.data, count, bytes.data));
}

napi_value recvfrom(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "recvfrom");
  const auto [fd, bytes, flags] = arguments.transfer();
  uint8_t* slot = arguments.slot(5, "slot");
  if (arguments.failed()) return nullptr;
  return arguments.number(receiveFrom(fd, bytes.data, bytes.length, flags, slot));
}

napi_value sendto(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "sendto");
  const auto [fd, bytes, flags] = arguments.transfer();
  const AddressBytes address = arguments.address(5, "address");
  if (arguments.failed()) return nullptr;
  return arguments.number(transmitTo(fd, bytes.data, bytes.length, flags, address.address, address.length));
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
      {"recv", recv},         {"recvEach", recvEach}, {"send", send}, {"sendEach", sendEach},
      {"recvfrom", recvfrom}, {"sendto", sendto},     {"read", read}, {"write", write},
  };
  return defineAll(environment, exports, kCalls);
}

}  // namespace genloop
