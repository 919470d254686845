// The calls that move several buffers or several datagrams at once, or descriptors beside the
// bytes. Rows and slots are read once: another thread may write to a shared array.

#include "../core/messages.h"

#include <algorithm>
#include <cerrno>

#include "calls.h"

namespace genloop {

namespace {

constexpr size_t kMessageRow = 3;  // offset, room, length
constexpr size_t kOffset = 0;
constexpr size_t kRoom = 1;
constexpr size_t kLength = 2;

// A row with room for the descriptors of a message; no row, if the array is empty.
struct Control {
  int32_t* row;
  size_t room;
};

Control controlRow(Arguments& arguments, size_t index) {
  const Rows cells = arguments.rows(index, "control", 1);
  if (arguments.failed() || cells.count == 0) return {nullptr, 0};
  if (cells.count < kControlHeader) {
    arguments.rangeError("%s: control must be empty or have at least %zu elements, not %zu", arguments.call(),
                         static_cast<size_t>(kControlHeader), cells.count);
    return {nullptr, 0};
  }
  return {cells.data, cells.count - kControlHeader};
}

// The part of the buffer that a row is about.
iovec partOf(Arguments& arguments, const Bytes& buffer, const int32_t* row, size_t sizeColumn) {
  const int32_t offset = row[kOffset];
  const int32_t size = row[sizeColumn];
  if (offset < 0 || size < 0 || static_cast<size_t>(offset) > buffer.length ||
      static_cast<size_t>(size) > buffer.length - static_cast<size_t>(offset)) {
    arguments.rangeError("%s: a row says %d bytes at %d of a buffer of %zu", arguments.call(), size, offset,
                         buffer.length);
    return {nullptr, 0};
  }
  return {buffer.data + offset, static_cast<size_t>(size)};
}

uint8_t* slots(Arguments& arguments, size_t index, size_t count) {
  const Bytes whole = arguments.bytes(index, "slots");
  if (!arguments.failed() && whole.length / kSlotSize < count) {
    arguments.rangeError("%s: slots must have %zu bytes for each of %zu datagrams, not %zu in all", arguments.call(),
                         kSlotSize, count, whole.length);
  }
  return whole.data;
}

napi_value writev(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "writev");
  const int fd = arguments.descriptor(0);
  const size_t offset = arguments.length(2, "offset");
  iovec parts[kMostBuffers];
  const Gathering gathering = arguments.buffers(1, "buffers", offset, parts, kMostBuffers);
  if (arguments.failed()) return nullptr;
  return arguments.number(writeGathered(fd, parts, gathering.count));
}

napi_value sendmsg(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "sendmsg");
  const int fd = arguments.descriptor(0);
  const size_t offset = arguments.length(2, "offset");
  const uint32_t flags = arguments.bits(3, "flags");
  iovec parts[kMostBuffers];
  const Gathering gathering = arguments.buffers(1, "buffers", offset, parts, kMostBuffers);
  const AddressBytes address = arguments.optionalAddress(4, "address");
  const Control control = controlRow(arguments, 5);
  int32_t row[kControlHeader + kMostDescriptors];
  if (control.row != nullptr) {
    const int32_t count = control.row[kControlCount];
    if (count < 0 || static_cast<size_t>(count) > control.room) {
      arguments.rangeError("sendmsg: control says %d descriptors in an array with room for %zu", count, control.room);
    } else if (static_cast<size_t>(count) > kMostDescriptors) {
      arguments.rangeError("sendmsg: a message carries at most %zu descriptors, not %d", kMostDescriptors, count);
    }
    if (arguments.failed()) return nullptr;
    for (size_t at = 0; at < kControlHeader + static_cast<size_t>(count); at++) row[at] = control.row[at];
    row[kControlCount] = count;
  }
  if (arguments.failed()) return nullptr;
  // A datagram is sent whole or not at all.
  if (!gathering.isAll) return arguments.number(int64_t{-EMSGSIZE});
  return arguments.number(sendMessage(fd, parts, gathering.count, static_cast<int>(flags), address.address,
                                      address.length, control.row == nullptr ? nullptr : row));
}

napi_value recvmsg(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "recvmsg");
  const auto [fd, bytes, flags] = arguments.transfer();
  uint8_t* slot = arguments.slot(5, "slot");
  const Control control = controlRow(arguments, 6);
  if (arguments.failed()) return nullptr;
  int32_t row[kControlHeader + kMostDescriptors];
  const int64_t received =
      receiveMessage(fd, bytes.data, bytes.length, flags, slot, control.row == nullptr ? nullptr : row, control.room);
  if (received >= 0 && control.row != nullptr) {
    const size_t count = static_cast<size_t>(row[kControlCount]);
    for (size_t at = 0; at < kControlHeader + count; at++) control.row[at] = row[at];
    for (size_t at = 0; at < count; at++) arguments.environment().open.add(row[kControlHeader + at]);
  }
  return arguments.number(received);
}

napi_value recvmmsg(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "recvmmsg");
  const int fd = arguments.descriptor(0);
  size_t count = arguments.length(3, "count");
  const uint32_t flags = arguments.bits(5, "flags");
  const Bytes buffer = arguments.bytes(1, "buffer");
  const Rows rows = arguments.rows(2, "rows", kMessageRow, count);
  uint8_t* slot = slots(arguments, 4, count);
  if (count > kMostDatagrams) count = kMostDatagrams;
  IncomingDatagram datagrams[kMostDatagrams];
  for (size_t at = 0; at < count && !arguments.failed(); at++) {
    datagrams[at] = {partOf(arguments, buffer, rows.data + at * kMessageRow, kRoom), slot + at * kSlotSize, 0};
  }
  if (arguments.failed()) return nullptr;
  const int64_t came = receiveDatagrams(fd, datagrams, count, static_cast<int>(flags));
  for (int64_t at = 0; at < came; at++) {
    // With MSG_TRUNC the kernel says how long the datagram was. Whoever sends by this row would send
    // the bytes behind it, too.
    const size_t here = std::min(datagrams[at].received, datagrams[at].part.iov_len);
    rows.data[static_cast<size_t>(at) * kMessageRow + kLength] = static_cast<int32_t>(here);
  }
  return arguments.number(came);
}

napi_value sendmmsg(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "sendmmsg");
  const int fd = arguments.descriptor(0);
  const size_t from = arguments.length(3, "from");
  size_t count = arguments.length(4, "count");
  const uint32_t flags = arguments.bits(6, "flags");
  const Bytes buffer = arguments.bytes(1, "buffer");
  const Rows rows = arguments.rows(2, "rows", kMessageRow, from + count);
  const uint8_t* slot = slots(arguments, 5, from + count);
  if (count > kMostDatagrams) count = kMostDatagrams;
  OutgoingDatagram datagrams[kMostDatagrams];
  for (size_t at = 0; at < count && !arguments.failed(); at++) {
    const AddressBytes address = arguments.addressIn(slot + (from + at) * kSlotSize, kSlotSize, "a slot");
    const iovec part = partOf(arguments, buffer, rows.data + (from + at) * kMessageRow, kLength);
    datagrams[at] = {part, address.address, address.length};
  }
  if (arguments.failed()) return nullptr;
  return arguments.number(sendDatagrams(fd, datagrams, count, static_cast<int>(flags)));
}

}  // namespace

bool defineMessageCalls(Environment* environment, napi_value exports) {
  static const Call kCalls[] = {
      {"writev", writev}, {"sendmsg", sendmsg}, {"recvmsg", recvmsg}, {"recvmmsg", recvmmsg}, {"sendmmsg", sendmmsg},
  };
  return defineAll(environment, exports, kCalls);
}

}  // namespace genloop
