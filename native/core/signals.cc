// The handler runs on any thread at any moment. So it touches lock-free atomics only, keeps errno,
// and announces itself: the closer waits until no handler is inside before the pipe's number can go
// to somebody else's file. A full pipe loses the number, not the wake-up.

#include "signals.h"

#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>

#include "creation.h"
#include "result.h"

namespace genloop {

namespace {

#if defined(NSIG)
constexpr int kSignals = NSIG;
#else
constexpr int kSignals = 65;
#endif

constexpr int kNone = -1;

std::atomic<int> writingEnd{kNone};
std::atomic<int> handlersInside{0};

std::mutex mutex;  // guards what follows; never taken by the handler
const void* pipeOwner = nullptr;
int readingEnd = kNone;
int takenCount = 0;
bool taken[kSignals];
struct sigaction before[kSignals];

void onSignal(int signal) {
  const int error = errno;
  handlersInside.fetch_add(1);
  const int fd = writingEnd.load();
  if (fd != kNone) {
    const uint8_t number = static_cast<uint8_t>(signal);
    const ssize_t written = ::write(fd, &number, 1);
    static_cast<void>(written);
  }
  handlersInside.fetch_sub(1);
  errno = error;
}

int64_t openSignalPipe(const void* owner) {
  int pair[2];
  const int64_t status = openPipe(pair);
  if (status < 0) return status;
  pipeOwner = owner;
  readingEnd = pair[0];
  writingEnd.store(pair[1]);
  return 0;
}

void closeSignalPipe() {
  const int fd = writingEnd.exchange(kNone);
  while (handlersInside.load() != 0) ::sched_yield();
  ::close(fd);
  ::close(readingEnd);
  readingEnd = kNone;
  pipeOwner = nullptr;
}

void restore(int signal) {
  struct sigaction current;
  // Somebody (Node, for process.on) may have put another handler over this one: it stays.
  if (::sigaction(signal, nullptr, &current) == 0 && current.sa_handler == onSignal) {
    ::sigaction(signal, &before[signal], nullptr);
  }
  taken[signal] = false;
  takenCount--;
}

}  // namespace

int64_t openSignal(int signal, const void* owner) {
  if (signal <= 0 || signal >= kSignals) return -EINVAL;
  const std::lock_guard<std::mutex> lock(mutex);
  if (pipeOwner != nullptr && pipeOwner != owner) return -EBUSY;
  if (taken[signal]) return readingEnd;
  if (pipeOwner == nullptr) {
    const int64_t status = openSignalPipe(owner);
    if (status < 0) return status;
  }
  struct sigaction action {};
  action.sa_handler = onSignal;
  // Other threads' calls go on as if nothing happened; the waits of this library are never
  // restarted.
  action.sa_flags = SA_RESTART;
  ::sigfillset(&action.sa_mask);
  if (::sigaction(signal, &action, &before[signal]) != 0) {
    const int64_t error = -errno;
    if (takenCount == 0) closeSignalPipe();
    return error;
  }
  taken[signal] = true;
  takenCount++;
  return readingEnd;
}

int64_t closeSignal(int signal, const void* owner) {
  if (signal <= 0 || signal >= kSignals) return -EINVAL;
  const std::lock_guard<std::mutex> lock(mutex);
  if (pipeOwner != owner || !taken[signal]) return -EINVAL;
  restore(signal);
  if (takenCount == 0) closeSignalPipe();
  return 0;
}

void closeSignals(const void* owner) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (pipeOwner != owner || owner == nullptr) return;
  for (int signal = 1; signal < kSignals; signal++) {
    if (taken[signal]) restore(signal);
  }
  closeSignalPipe();
}

int64_t raiseSignal(int signal) { return result(::kill(::getpid(), signal)); }

}  // namespace genloop
