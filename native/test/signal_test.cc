// Signals: one owner, given back as they were, and never written into somebody's file.

#include <poll.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <thread>

#include "../core/creation.h"
#include "../core/descriptors.h"
#include "../core/poll.h"
#include "../core/signals.h"
#include "../core/time.h"
#include "check.h"

using namespace genloop;

namespace {

void signalsHaveOneOwnerAndAreGivenBack() {
  const int first = 0;
  const int second = 0;
  struct sigaction before;
  struct sigaction after;
  ::sigaction(SIGUSR1, nullptr, &before);
  const int64_t end = openSignal(SIGUSR1, &first);
  CHECK(end >= 0 && openSignal(SIGUSR1, &first) == end && openSignal(SIGWINCH, &first) == end);
  CHECK(openSignal(SIGUSR2, &second) == -EBUSY && closeSignal(SIGUSR1, &second) == -EINVAL);
  CHECK(openSignal(SIGKILL, &first) == -EINVAL && openSignal(0, &first) == -EINVAL);
  CHECK(openSignal(-1, &first) == -EINVAL && openSignal(1 << 20, &first) == -EINVAL);
  uint8_t bytes[4] = {};
  errno = 77;
  CHECK(raiseSignal(SIGUSR1) == 0 && errno == 77);
  CHECK(readBytes(static_cast<int>(end), bytes, 4) == 1 && bytes[0] == SIGUSR1);
  for (int at = 0; at < 100000; at++) raiseSignal(SIGUSR1);  // more than the pipe holds
  CHECK(closeSignal(SIGUSR1, &first) == 0 && closeSignal(SIGUSR1, &first) == -EINVAL);
  ::sigaction(SIGUSR1, nullptr, &after);
  CHECK(after.sa_handler == before.sa_handler && isOpen(static_cast<int>(end)));
  closeSignals(&second);
  CHECK(isOpen(static_cast<int>(end)));
  closeSignals(&first);
  CHECK(!isOpen(static_cast<int>(end)));
  CHECK(openSignal(SIGKILL, &second) == -EINVAL && !isOpen(static_cast<int>(end)));
  CHECK(openSignal(SIGUSR2, &second) >= 0 && closeSignal(SIGUSR2, &second) == 0);
}

void anotherHandlerPutOverOursStays() {
  const int owner = 0;
  CHECK(openSignal(SIGUSR1, &owner) >= 0);
  ::signal(SIGUSR1, SIG_IGN);
  CHECK(closeSignal(SIGUSR1, &owner) == 0);
  CHECK(::signal(SIGUSR1, SIG_DFL) == SIG_IGN);
}

// The number of the closed pipe goes to another file at once; a handler that was late would write into it.
void aLateHandlerWritesIntoNobodysFile() {
  const int owner = 0;
  ::signal(SIGUSR1, SIG_IGN);
  std::atomic<bool> done{false};
  std::thread storm([&done] {
    while (!done.load()) ::pthread_kill(::pthread_self(), SIGUSR1);
  });
  bool clean = true;
  for (int at = 0; at < 300; at++) {
    const int64_t end = openSignal(SIGUSR1, &owner);
    int32_t row[] = {static_cast<int32_t>(end), POLLIN};
    CHECK(waitPoll(row, 1, timeoutFrom(kForever)) != 0);
    CHECK(closeSignal(SIGUSR1, &owner) == 0);
    int pair[2];
    openPipe(pair);
    uint8_t byte;
    clean = clean && readBytes(pair[0], &byte, 1) == -EAGAIN;
    closeDescriptor(pair[0]);
    closeDescriptor(pair[1]);
  }
  done.store(true);
  storm.join();
  ::signal(SIGUSR1, SIG_DFL);
  CHECK(clean);
}

}  // namespace

void testSignals() {
  signalsHaveOneOwnerAndAreGivenBack();
  anotherHandlerPutOverOursStays();
  aLateHandlerWritesIntoNobodysFile();
}
