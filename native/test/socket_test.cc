// Bytes, datagrams and descriptors that go through sockets.

#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "../core/address.h"
#include "../core/creation.h"
#include "../core/descriptors.h"
#include "../core/messages.h"
#include "../core/sockets.h"
#include "check.h"

using namespace genloop;

namespace {

void datagramsSayWhetherTheyWereCut() {
  uint8_t slot[kSlotSize] = {};
  uint8_t bytes[4] = {1, 2, 3, 4};
  const int a = static_cast<int>(openSocket(AF_INET, SOCK_DGRAM, 0));
  const int b = static_cast<int>(openSocket(AF_INET, SOCK_DGRAM, 0));
  packAddress(slot, "127.0.0.1", 0, 0);
  CHECK(bindSocket(a, slotAddress(slot), slot[0]) == 0);
  CHECK(localAddress(a, slot) == 0);
  CHECK(receiveFrom(a, bytes, 4, 0, slot) == -EAGAIN && slot[0] == sizeof(sockaddr_in));
  CHECK(transmitTo(b, bytes, 4, 0, slotAddress(slot), slot[0]) == 4);
  CHECK(transmitTo(b, bytes, 0, 0, slotAddress(slot), slot[0]) == 0);
  CHECK(receiveFrom(a, bytes, 3, 0, slot) == 3 && slot[1] == 1);
  CHECK(receiveFrom(a, bytes, 3, 0, slot) == 0 && slot[1] == 0 && unpackAddress(slot, kSlotAddress).port != 0);
  closeDescriptor(a);
  closeDescriptor(b);
}

void receivingForManyLosesNothing() {
  int pairs[2][2];
  for (auto& pair : pairs) CHECK(openSocketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  CHECK(transmit(pairs[0][1], reinterpret_cast<const uint8_t*>("seven!!"), 7, 0) == 7);
  CHECK(transmit(pairs[1][1], reinterpret_cast<const uint8_t*>("two"), 2, 0) == 2);
  uint8_t bytes[12];
  int32_t rows[] = {pairs[0][0], 0, pairs[1][1], 0, pairs[1][0], 0};
  // At most four each, one behind the other; who has nothing takes no room.
  CHECK(receiveEach(rows, 3, bytes, 4) == 6);
  CHECK(rows[1] == 4 && rows[3] == -EAGAIN && rows[5] == 2 && std::memcmp(bytes, "sevetw", 6) == 0);
  closeDescriptor(pairs[1][1]);
  CHECK(receiveEach(rows, 3, bytes, 4) == 3);
  CHECK(rows[1] == 3 && rows[3] == -EBADF && rows[5] == 0 && std::memcmp(bytes, "n!!", 3) == 0);
  for (const int fd : {pairs[0][0], pairs[0][1], pairs[1][0]}) closeDescriptor(fd);
}

void sendingForManyTellsEachItsOwn() {
  int pairs[2][2];
  for (auto& pair : pairs) CHECK(openSocketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  const auto* text = reinterpret_cast<const uint8_t*>("one, two");
  closeDescriptor(pairs[1][1]);
  int32_t rows[] = {pairs[0][0], 0, 3, 0, pairs[1][0], 0, 8, 0, pairs[1][1], 0, 8, 0, pairs[0][0], 5, 3, 0};
  // A broken one is no signal, and stops nobody.
  CHECK(transmitEach(rows, 4, text) == 6);
  CHECK(rows[3] == 3 && rows[7] == -EPIPE && rows[11] == -EBADF && rows[15] == 3);
  uint8_t bytes[8];
  CHECK(receive(pairs[0][1], bytes, 8, 0) == 6 && std::memcmp(bytes, "onetwo", 6) == 0);
  for (const int fd : {pairs[0][0], pairs[0][1], pairs[1][0]}) closeDescriptor(fd);
}

void batchesAreTheSameInOneCallAndInMany() {
  using Receive = int64_t (*)(int, IncomingDatagram*, size_t, int);
  using Send = int64_t (*)(int, const OutgoingDatagram*, size_t, int);
  const std::pair<Receive, Send> kWays[] = {{receiveDatagrams, sendDatagrams}, {receiveOneByOne, sendOneByOne}};
  for (const auto& [receiveAll, sendAll] : kWays) {
    uint8_t slot[kSlotSize] = {};
    uint8_t bytes[] = "abcdef";
    const int a = static_cast<int>(openSocket(AF_INET, SOCK_DGRAM, 0));
    const int b = static_cast<int>(openSocket(AF_INET, SOCK_DGRAM, 0));
    packAddress(slot, "127.0.0.1", 0, 0);
    CHECK(bindSocket(a, slotAddress(slot), slot[0]) == 0 && localAddress(a, slot) == 0);
    static uint8_t huge[70000];
    const OutgoingDatagram out[] = {{{bytes, 3}, slotAddress(slot), slot[0]},
                                    {{bytes, 0}, slotAddress(slot), slot[0]},
                                    {{bytes, 6}, slotAddress(slot), slot[0]},
                                    {{huge, sizeof(huge)}, slotAddress(slot), slot[0]}};
    CHECK(sendAll(b, out, 4, 0) == 3 && sendAll(b, out + 3, 1, 0) == -EMSGSIZE);
    static uint8_t slots[kMostDatagrams][kSlotSize];
    static uint8_t room[kMostDatagrams][4];
    IncomingDatagram in[kMostDatagrams];
    for (size_t at = 0; at < kMostDatagrams; at++) in[at] = {{room[at], 4}, slots[at], 77};
    CHECK(receiveAll(a, in, kMostDatagrams, 0) == 3 && receiveAll(a, in, kMostDatagrams, 0) == -EAGAIN);
    CHECK(in[0].received == 3 && std::memcmp(room[0], "abc", 3) == 0 && slots[0][1] == 0);
    CHECK(in[1].received == 0 && slots[1][0] == sizeof(sockaddr_in));
    CHECK(in[2].received == 4 && slots[2][1] == 1 && in[3].received == 77);
    CHECK(receiveAll(-1, in, 1, 0) == -EBADF && sendAll(-1, out, 1, 0) == -EBADF);
    closeDescriptor(a);
    closeDescriptor(b);
  }
}

int openCount() {
  int count = 0;
  for (int fd = 0; fd < 256; fd++) count += isOpen(fd) ? 1 : 0;
  return count;
}

void descriptorsTravelAndNoneIsLeftOver() {
  uint8_t slot[kSlotSize] = {};
  uint8_t byte = 1;
  iovec part{&byte, 1};
  int pair[2];
  int sent[2];
  CHECK(openSocketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0 && openPipe(sent) == 0);
  ::fcntl(sent[0], F_SETFL, 0);
  const int32_t two[kControlHeader + 2] = {2, 0, 0, 0, 0, 0, sent[0], sent[1]};
  const int before = openCount();
  int32_t row[kControlHeader + kMostDescriptors] = {};
  for (const size_t room : {size_t{0}, size_t{1}}) {
    CHECK(sendMessage(pair[0], &part, 1, 0, nullptr, 0, two) == 1);
    CHECK(receiveMessage(pair[1], &byte, 1, 0, slot, row, room) == 1);
    CHECK(row[kControlCount] == 0 && row[kControlLost] == 1 && openCount() == before);
  }
  CHECK(sendMessage(pair[0], &part, 1, 0, nullptr, 0, two) == 1);
  CHECK(receiveMessage(pair[1], &byte, 1, 0, slot, nullptr, 0) == 1 && openCount() == before);
  CHECK(sendMessage(pair[0], &part, 1, 0, nullptr, 0, two) == 1);
  CHECK(receiveMessage(pair[1], &byte, 1, 0, slot, row, kMostDescriptors) == 1);
  CHECK(row[kControlCount] == 2 && row[kControlLost] == 0 && openCount() == before + 2);
  for (int at = 0; at < 2; at++) {
    const int fd = row[kControlHeader + at];
    CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 && (::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    closeDescriptor(fd);
  }
#if defined(__linux__)
  const int on = 1;
  CHECK(setOption(pair[1], SOL_SOCKET, SO_PASSCRED, reinterpret_cast<const uint8_t*>(&on), sizeof(on)) == 0);
  CHECK(sendMessage(pair[0], &part, 1, 0, nullptr, 0, nullptr) == 1);
  CHECK(receiveMessage(pair[1], &byte, 1, 0, slot, row, 0) == 1);
  CHECK(row[kControlHasCredentials] == 1 && row[kControlPid] == ::getpid() && row[kControlLost] == 0);
#endif
  const int32_t closed[kControlHeader + 1] = {1, 0, 0, 0, 0, 0, 1000000};
  CHECK(sendMessage(pair[0], &part, 1, 0, nullptr, 0, closed) == -EBADF);
  for (const int fd : {pair[0], pair[1], sent[0], sent[1]}) closeDescriptor(fd);
}

}  // namespace

void testSockets() {
  datagramsSayWhetherTheyWereCut();
  receivingForManyLosesNothing();
  sendingForManyTellsEachItsOwn();
  batchesAreTheSameInOneCallAndInMany();
  descriptorsTravelAndNoneIsLeftOver();
}
