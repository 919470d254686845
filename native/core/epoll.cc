// epoll_pwait2 takes nanoseconds, epoll_wait milliseconds; the former is called by number, since
// linking to it would ask for a newer C library than the rest of the addon needs. ENOSYS comes from
// an old kernel, EPERM from a seccomp filter that does not know the call: neither is an answer of
// epoll's own.

#include "epoll.h"

#if defined(__linux__)

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>

#include "result.h"

namespace genloop {

namespace {

constexpr int kNoSignalMask = 0;
constexpr long kEpollPwait2 = 441;  // the same on every architecture that this is built for
constexpr size_t kMaxEvents = INT_MAX / sizeof(epoll_event);

// The kernel's time is of 64 bits, even where the C library's timespec is not.
struct KernelTime {
  int64_t seconds;
  int64_t nanoseconds;
};

int64_t waitFinely(int epfd, epoll_event* events, int capacity, const Timeout& timeout) {
  KernelTime time{timeout.duration.tv_sec, timeout.duration.tv_nsec};
  return result(::syscall(kEpollPwait2, epfd, events, capacity, &time, nullptr, kNoSignalMask));
}

int64_t waitFor(int epfd, epoll_event* events, int capacity, const Timeout& timeout, bool* coarse) {
  // A look without waiting, and a wait without end, need no fraction; the older call is 100 ns cheaper.
  const bool timed = !timeout.forever && (timeout.duration.tv_sec != 0 || timeout.duration.tv_nsec != 0);
  if (timed && !*coarse) {
    const int64_t count = waitFinely(epfd, events, capacity, timeout);
    if (count != -ENOSYS && count != -EPERM) return count;
    *coarse = true;
  }
  return waitInMilliseconds(
      timeout, [=](int milliseconds) { return result(::epoll_wait(epfd, events, capacity, milliseconds)); });
}

}  // namespace

int64_t openEpoll() {
  return retried([] { return ::epoll_create1(EPOLL_CLOEXEC); });
}

int64_t controlEpoll(int epfd, int operation, int fd, uint32_t events, uint32_t low, uint32_t high) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = static_cast<uint64_t>(high) << 32 | low;
  return retried([&] { return ::epoll_ctl(epfd, operation, fd, &event); });
}

#if defined(__x86_64__)

// Here the kernel's record is packed and is itself a row: it writes straight into the caller's
// array.
static_assert(sizeof(epoll_event) == kEpollRow * sizeof(int32_t), "a row is an epoll_event");

int64_t waitEpoll(int epfd, int32_t* rows, size_t capacity, const Timeout& timeout, bool* coarse) {
  const int count = static_cast<int>(std::min(capacity, kMaxEvents));
  return waitFor(epfd, reinterpret_cast<epoll_event*>(rows), count, timeout, coarse);
}

#else

// Elsewhere the record has padding. More than this many are left for the next wait; the kernel
// rotates, so that nobody starves.
constexpr size_t kBatch = 1024;

int64_t waitEpoll(int epfd, int32_t* rows, size_t capacity, const Timeout& timeout, bool* coarse) {
  epoll_event events[kBatch];
  const int room = static_cast<int>(std::min(capacity, kBatch));
  const int64_t count = waitFor(epfd, events, room, timeout, coarse);
  for (int64_t at = 0; at < count; at++) {
    int32_t* row = rows + at * static_cast<int64_t>(kEpollRow);
    row[0] = static_cast<int32_t>(events[at].events);
    row[1] = static_cast<int32_t>(events[at].data.u64);
    row[2] = static_cast<int32_t>(events[at].data.u64 >> 32);
  }
  return count;
}

#endif

}  // namespace genloop

#else

#include <cerrno>

namespace genloop {

int64_t openEpoll() { return -ENOSYS; }
int64_t controlEpoll(int, int, int, uint32_t, uint32_t, uint32_t) { return -ENOSYS; }
int64_t waitEpoll(int, int32_t*, size_t, const Timeout&, bool*) { return -ENOSYS; }

}  // namespace genloop

#endif
