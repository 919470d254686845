// The core alone, without Node: so that it runs under every sanitizer, and so that what the binding relies
// on (addresses survive a round trip, no wait ends early, select never writes past its sets) is checked
// where it is made. A check prints only when it fails; the last line counts.

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/un.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/epoll.h>
#endif

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>

#include "../core/address.h"
#include "../core/creation.h"
#include "../core/descriptors.h"
#include "../core/epoll.h"
#include "../core/kqueue.h"
#include "../core/poll.h"
#include "../core/select.h"
#include "../core/sockets.h"
#include "../core/time.h"
#include "check.h"

using namespace genloop;

namespace {

void numericAddressesSurviveARoundTrip() {
  uint8_t slot[kSlotSize] = {};
  CHECK(packAddress(slot, "127.0.0.1", 80, 0) == 0 && isAddress(slot, "IPv4", "127.0.0.1", 80, 0));
  CHECK(slot[0] == sizeof(sockaddr_in) && slot[1] == 0);
  CHECK(packAddress(slot, "::1", 65535, 0) == 0 && isAddress(slot, "IPv6", "::1", 65535, 0));
  CHECK(packAddress(slot, "fe80::1", 1, 7) == 0 && isAddress(slot, "IPv6", "fe80::1", 1, 7));
  CHECK(packAddress(slot, "fe80::1%9", 1, 7) == 0 && isAddress(slot, "IPv6", "fe80::1", 1, 9));
#if defined(__linux__)
  CHECK(packAddress(slot, "fe80::1%lo", 1, 0) == 0 && isAddress(slot, "IPv6", "fe80::1", 1, 1));
#endif
  CHECK(packAddress(slot, "::ffff:1.2.3.4", 1, 0) == 0 && isAddress(slot, "IPv6", "::ffff:1.2.3.4", 1, 0));
}

void whatIsNoAddressIsRefused() {
  uint8_t slot[kSlotSize] = {};
  for (const char* text :
       {"", "localhost", "1.2.3", "256.1.1.1", "1.2.3.4%1", "fe80::1%", "fe80::1%4294967296", "::g"}) {
    CHECK(packAddress(slot, text, 1, 0) == -EINVAL);
  }
  CHECK(packAddress(slot, std::string_view("1.2.3.4\0x", 9), 1, 0) == -EINVAL);
  CHECK(packAddress(slot, std::string_view("::1%lo\0x", 8), 1, 0) == -EINVAL);
  CHECK(packAddress(slot, "fe80::1%nosuch", 1, 0) == -ENODEV);
  CHECK(packAddress(slot, "fe80::1%a-name-longer-than-any", 1, 0) == -ENODEV);
  CHECK(slot[0] == 0);
}

void pathsSurviveARoundTrip() {
  uint8_t slot[kSlotSize] = {};
  const std::string longest(sizeof(sockaddr_un::sun_path) - 1, 'x');
  CHECK(packPath(slot, "/tmp/x") == 0 && isAddress(slot, "unix", "/tmp/x", 0, 0));
  CHECK(packPath(slot, longest) == 0 && isAddress(slot, "unix", longest, 0, 0));
  CHECK(packPath(slot, longest + "x") == -ENAMETOOLONG);
  CHECK(packPath(slot, "") == -EINVAL);
  CHECK(packPath(slot, std::string_view("/a\0b", 4)) == -EINVAL);
#if defined(__linux__)
  const std::string abstract("\0ab\0c", 5);
  CHECK(packPath(slot, abstract) == 0 && isAddress(slot, "unix", abstract, 0, 0));
  CHECK(packPath(slot, std::string(sizeof(sockaddr_un::sun_path), '\0')) == 0);
  CHECK(packPath(slot, std::string(sizeof(sockaddr_un::sun_path) + 1, '\0')) == -ENAMETOOLONG);
#endif
}

void slotsOfAnyContentAreDecoded() {
  uint8_t slot[kSlotSize] = {};
  CHECK(isAddress(slot, "raw", "", 0, 0));
  slot[0] = 4;
  slot[2] = slot[3] = 0xff;
  slot[4] = 0x01;
  CHECK(isAddress(slot, "raw", "ffff0100", 0, 0));
  for (int length = 0; length < 256; length++) {
    for (int family = 0; family < 48; family++) {
      for (size_t size : {size_t{0}, size_t{1}, size_t{16}, kSlotAddress}) {
        uint8_t exact[kSlotSize];  // decoding reads no byte past `size`: the sanitizers watch
        std::memset(exact, 0x5a, sizeof(exact));
        exact[0] = static_cast<uint8_t>(length);
        exact[2] = static_cast<uint8_t>(family);
        exact[3] = 0;
        CHECK(unpackAddress(exact, size).address.size() <= 2 * kSlotAddress);
      }
    }
  }
}

void timeoutsRoundUpAndSaturate() {
  CHECK(timeoutFrom(-1).forever && timeoutFrom(kForever).forever && timeoutFrom(-kForever).forever);
  CHECK(timeoutFrom(1e300).forever);
  const auto is = [](double milliseconds, long seconds, long nanoseconds) {
    const Timeout timeout = timeoutFrom(milliseconds);
    return !timeout.forever && timeout.duration.tv_sec == seconds && timeout.duration.tv_nsec == nanoseconds;
  };
  CHECK(is(0, 0, 0) && is(-0.0, 0, 0) && is(1, 0, 1000000) && is(1500.5, 1, 500500000));
  CHECK(is(1e-9, 0, 1) && is(1e-300, 0, 1) && is(0.0000015, 0, 2));
  CHECK(is(999.9999999999, 1, 0));
  for (int at = 0; at < 100000; at++) {
    const double milliseconds = std::ldexp(static_cast<double>(at * 7919 % 100003), -at % 40);
    const Timeout timeout = timeoutFrom(milliseconds);
    const double back =
        static_cast<double>(timeout.duration.tv_sec) * 1e3 + static_cast<double>(timeout.duration.tv_nsec) / 1e6;
    if (back < milliseconds || back > milliseconds + 2e-6 || timeout.duration.tv_nsec >= 1000000000) {
      check(false, "a timeout became shorter, or longer by more than its rounding", __FILE__, __LINE__);
    }
  }
  std::string pieces;
  const auto record = [&](int piece) {
    pieces += std::to_string(piece) + " ";
    return int64_t{0};
  };
  waitInMilliseconds(timeoutFrom(0.1), record);
  waitInMilliseconds(timeoutFrom(-1), record);
  waitInMilliseconds(timeoutFrom(2147483647.0 + 5), record);
  CHECK(pieces == "1 -1 2147483647 5 ");
}

void noWaitEndsEarly() {
  for (const double milliseconds : {0.1, 1.3, 5.0}) {
    double start = now();
    CHECK(waitPoll(nullptr, 0, timeoutFrom(milliseconds)) == 0 && now() - start >= milliseconds);
    start = now();
    CHECK(waitSelect(nullptr, 0, timeoutFrom(milliseconds)) == 0 && now() - start >= milliseconds);
#if defined(__linux__)
    const int epfd = static_cast<int>(openEpoll());
    int32_t rows[3];
    bool fine = false;
    start = now();
    CHECK(waitEpoll(epfd, rows, 1, timeoutFrom(milliseconds), &fine) == 0 && now() - start >= milliseconds);
    bool coarse = true;
    start = now();
    CHECK(waitEpoll(epfd, rows, 1, timeoutFrom(milliseconds), &coarse) == 0 && now() - start >= milliseconds);
    closeDescriptor(epfd);
#endif
  }
}

void whatIsOpenedNeitherBlocksNorIsInherited() {
  int pair[2];
  const auto right = [](int64_t fd) {
    const bool yes = fd >= 0 && (::fcntl(static_cast<int>(fd), F_GETFL) & O_NONBLOCK) != 0 &&
                     (::fcntl(static_cast<int>(fd), F_GETFD) & FD_CLOEXEC) != 0;
    closeDescriptor(static_cast<int>(fd));
    return yes;
  };
  CHECK(openPipe(pair) == 0 && right(pair[0]) && right(pair[1]));
  CHECK(openSocketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && right(pair[0]) && right(pair[1]));
  CHECK(right(openSocket(AF_INET, SOCK_STREAM, 0)));
  CHECK(right(openFile("/dev/null", O_RDONLY, 0)));
  CHECK(openFile("/no/such/file", O_RDONLY, 0) == -ENOENT);
  CHECK(closeDescriptor(-1) == -EBADF && !isOpen(-1) && isOpen(0) == (::fcntl(0, F_GETFD) >= 0));
}

void fcntlAndIoctlTakeNoPointers() {
  int pair[2];
  openPipe(pair);
  CHECK(controlDescriptor(pair[0], F_DUPFD, 0) == -EINVAL && controlDescriptor(pair[0], F_GETLK, 0) == -EINVAL);
  CHECK(controlDescriptor(pair[0], F_GETFD, 0) == FD_CLOEXEC);
  uint8_t bytes[kUnsizedRequest] = {};
  CHECK(writeBytes(pair[1], bytes, 5) == 5);
  CHECK(controlDevice(pair[0], FIONREAD, bytes, sizeof(bytes)) == 0 && bytes[0] == 5);
  CHECK(requestSize(FIONREAD) >= sizeof(int));
  CHECK(controlDevice(pair[0], TIOCGWINSZ, bytes, sizeof(bytes)) == -ENOTTY);
  closeDescriptor(pair[1]);
  CHECK(readBytes(pair[0], bytes, 64) == 5 && readBytes(pair[0], bytes, 64) == 0);
  closeDescriptor(pair[0]);
}

void selectStaysInsideItsSets() {
  int pair[2];
  openPipe(pair);
  int32_t rows[] = {pair[0], kSelectRead, 9, pair[1], kSelectWrite, 9, pair[0], 0, 9};
  CHECK(waitSelect(rows, 3, timeoutFrom(0)) == 1 && rows[2] == 0 && rows[5] == kSelectWrite && rows[8] == 0);
  for (const int32_t outside : {-1, FD_SETSIZE, FD_SETSIZE + 1, INT32_MAX, INT32_MIN}) {
    rows[0] = outside;
    rows[5] = 9;
    CHECK(waitSelect(rows, 3, timeoutFrom(-1)) == -EINVAL && rows[5] == 0);
  }
  rows[0] = FD_SETSIZE - 1;  // Linux itself would call this closed number ready
  CHECK(waitSelect(rows, 3, timeoutFrom(-1)) == -EBADF);
  closeDescriptor(pair[0]);
  closeDescriptor(pair[1]);
}

void pollTellsOfClosedNumbers() {
  int32_t rows[] = {1000000, POLLIN};
  CHECK(waitPoll(rows, 1, timeoutFrom(-1)) == 1 && rows[1] >> 16 == POLLNVAL);
}

#if defined(__linux__)

void epollGivesTheDatumBack() {
  int pair[2];
  openPipe(pair);
  const int epfd = static_cast<int>(openEpoll());
  CHECK(controlEpoll(epfd, EPOLL_CTL_ADD, pair[1], EPOLLOUT, 0x89abcdef, 0xfedcba98) == 0);
  CHECK(controlEpoll(epfd, EPOLL_CTL_ADD, pair[1], EPOLLOUT, 0, 0) == -EEXIST);
  for (const bool start : {false, true}) {
    bool coarse = start;
    int32_t rows[6] = {};
    CHECK(waitEpoll(epfd, rows, 2, timeoutFrom(-1), &coarse) == 1 && rows[0] == EPOLLOUT);
    CHECK(static_cast<uint32_t>(rows[1]) == 0x89abcdef && static_cast<uint32_t>(rows[2]) == 0xfedcba98);
    CHECK(waitEpoll(epfd, rows, 0, timeoutFrom(0), &coarse) == -EINVAL);
    CHECK(waitEpoll(pair[0], rows, 2, timeoutFrom(0), &coarse) == -EINVAL);
  }
  closeDescriptor(epfd);
  closeDescriptor(pair[0]);
  closeDescriptor(pair[1]);
}

void timersFireAtTheirTimeAndNotBefore() {
  const int fd = static_cast<int>(openTimer());
  const auto fires = [fd](double deadline, double wait) {
    int32_t row[] = {fd, POLLIN};
    return setTimer(fd, deadline) == 0 && waitPoll(row, 1, timeoutFrom(wait)) == 1;
  };
  CHECK(fires(0, 0) && fires(-1, 0) && fires(-kForever, 0) && fires(1e-9, 0) && fires(now() - 1, 0));
  CHECK(!fires(kForever, 2) && !fires(1e300, 2) && !fires(now() + 1e9, 2));
  for (int at = 0; at < 100; at++) {
    const double deadline = now() + at / 100.0;
    CHECK(fires(deadline, 1000) && now() >= deadline);
  }
  closeDescriptor(fd);
  CHECK(setTimer(fd, 1) == -EBADF);
}

#endif

void kqueueRoomGrowsAndStays() {
  KeventRoom room;
  void* small = room.reserve(0);
  CHECK(small != nullptr && room.reserve(0) == small);
  void* large = room.reserve(100000);
  CHECK(large != nullptr && room.reserve(10) == large);
}

}  // namespace

int main() {
  numericAddressesSurviveARoundTrip();
  whatIsNoAddressIsRefused();
  pathsSurviveARoundTrip();
  slotsOfAnyContentAreDecoded();
  timeoutsRoundUpAndSaturate();
  noWaitEndsEarly();
  whatIsOpenedNeitherBlocksNorIsInherited();
  fcntlAndIoctlTakeNoPointers();
  selectStaysInsideItsSets();
  pollTellsOfClosedNumbers();
#if defined(__linux__)
  epollGivesTheDatumBack();
  timersFireAtTheirTimeAndNotBefore();
#endif
  kqueueRoomGrowsAndStays();
  testSockets();
  testSignals();
  testLookup();
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
