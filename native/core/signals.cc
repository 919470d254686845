// The handler runs on any thread at any moment. So it touches lock-free atomics only, keeps errno,
// and announces itself: the closer waits until no handler is inside before the pipe's number can go
// to somebody else's file. A full pipe loses the number, not the wake-up.
//
// Two signals ask the process to end, and no such request may be lost. One that comes while another
// request is still unread means that nobody looks into the pipe: the old action is put back and
// gets it, so that a busy program dies as it would without us; so does one for which the pipe is
// full. One that nobody has read when the pipe is closed goes to the old action as well, as if it
// had come a moment later.

#include "signals.h"

#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <vector>

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
std::atomic<int> readingEnd{kNone};
std::atomic<int> handlersInside{0};
// Whether what is unread may hold a request to end: set by each, taken back once the pipe is found
// empty.
std::atomic<bool> requestUnread{false};
// Whether `before` holds the old action; while it does, the handler may read it there.
std::atomic<bool> taken[kSignals];
struct sigaction before[kSignals];

std::mutex mutex;  // guards what follows; never taken by the handler
const void* pipeOwner = nullptr;
int takenCount = 0;

void onSignal(int signal);

bool asksToEnd(int signal) { return signal == SIGINT || signal == SIGTERM; }

// poll(2) is one of the calls that a handler may make.
bool somethingIsUnread() {
  struct pollfd look {};
  look.fd = readingEnd.load();
  look.events = POLLIN;
  return ::poll(&look, 1, 0) > 0;
}

void putBack(int signal) {
  struct sigaction current;
  // Somebody (Node, for process.on) may have put another handler over this one: it stays.
  if (::sigaction(signal, nullptr, &current) == 0 && current.sa_handler == onSignal) {
    ::sigaction(signal, &before[signal], nullptr);
  }
}

bool announce(int fd, int signal) {
  const uint8_t number = static_cast<uint8_t>(signal);
  return ::write(fd, &number, 1) == 1;
}

void onSignal(int signal) {
  const int error = errno;
  handlersInside.fetch_add(1);
  const int fd = writingEnd.load();
  if (fd == kNone) {
    // Late: the pipe is closed, and the old action is back.
    if (asksToEnd(signal)) ::raise(signal);
  } else if (!asksToEnd(signal)) {
    if (!somethingIsUnread()) requestUnread.store(false);
    announce(fd, signal);
  } else if (!taken[signal].load()) {
    announce(fd, signal);
  } else if ((requestUnread.exchange(true) && somethingIsUnread()) || !announce(fd, signal)) {
    putBack(signal);
    // Blocked while this handler runs; the old action gets it right after.
    ::raise(signal);
  }
  handlersInside.fetch_sub(1);
  errno = error;
}

int64_t openSignalPipe(const void* owner) {
  int pair[2];
  const int64_t status = openPipe(pair);
  if (status < 0) return status;
  pipeOwner = owner;
  readingEnd.store(pair[0]);
  writingEnd.store(pair[1]);
  return 0;
}

void awaitHandlers() {
  while (handlersInside.load() != 0) ::sched_yield();
}

// What nobody has read of the signals that ask the process to end.
std::vector<int> unreadRequests(int fd) {
  std::vector<int> requests;
  uint8_t number;
  while (::read(fd, &number, 1) == 1) {
    if (asksToEnd(number)) requests.push_back(number);
  }
  return requests;
}

// The old actions are back already.
void closeSignalPipe() {
  const int fd = writingEnd.exchange(kNone);
  awaitHandlers();
  const int end = readingEnd.exchange(kNone);
  const std::vector<int> requests = unreadRequests(end);
  ::close(fd);
  ::close(end);
  pipeOwner = nullptr;
  for (const int signal : requests) raiseSignal(signal);
}

void restore(int signal) {
  putBack(signal);
  taken[signal].store(false);
  awaitHandlers();  // one of them may be reading `before`
  takenCount--;
}

}  // namespace

int64_t openSignal(int signal, const void* owner) {
  if (signal <= 0 || signal >= kSignals) return -EINVAL;
  const std::lock_guard<std::mutex> lock(mutex);
  if (pipeOwner != nullptr && pipeOwner != owner) return -EBUSY;
  if (taken[signal].load()) return readingEnd.load();
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
  taken[signal].store(true);
  takenCount++;
  return readingEnd.load();
}

int64_t closeSignal(int signal, const void* owner) {
  if (signal <= 0 || signal >= kSignals) return -EINVAL;
  const std::lock_guard<std::mutex> lock(mutex);
  if (pipeOwner != owner || !taken[signal].load()) return -EINVAL;
  restore(signal);
  if (takenCount == 0) closeSignalPipe();
  return 0;
}

void closeSignals(const void* owner) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (pipeOwner != owner || owner == nullptr) return;
  for (int signal = 1; signal < kSignals; signal++) {
    if (taken[signal].load()) restore(signal);
  }
  closeSignalPipe();
}

int64_t raiseSignal(int signal) { return result(::kill(::getpid(), signal)); }

}  // namespace genloop
