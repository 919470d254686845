// Time crosses the seam as milliseconds with fractions, in a double. Everything here rounds up, so
// that nothing ends before its time, and is saturated, so that a huge number cannot become a
// negative one.
#pragma once

#include <cstdint>
#include <ctime>

namespace genloop {

// How long a wait lasts: a timespec of which no bit was lost, or for ever.
struct Timeout {
  bool forever;
  timespec duration;
};

// CLOCK_MONOTONIC, in milliseconds.
double now();

// Negative and infinite mean for ever, and so does what exceeds three years: some systems refuse
// it.
Timeout timeoutFrom(double milliseconds);

// Whole milliseconds for the older calls, rounded up; these take an int, so long waits are cut into
// pieces of at most INT_MAX, each of which may end without an event.
template <typename Wait>
int64_t waitInMilliseconds(const Timeout& timeout, Wait wait) {
  if (timeout.forever) return wait(-1);
  constexpr int64_t kLongest = INT32_MAX;
  int64_t rest = static_cast<int64_t>(timeout.duration.tv_sec) * 1000 + (timeout.duration.tv_nsec + 999999) / 1000000;
  for (;;) {
    const int64_t piece = rest < kLongest ? rest : kLongest;
    const int64_t count = wait(static_cast<int>(piece));
    rest -= piece;
    if (count != 0 || rest == 0) return count;
  }
}

// timerfd on CLOCK_MONOTONIC; -ENOSYS where the system has none.
int64_t openTimer();
// One shot at an absolute time of now(); infinite disarms, and what has passed fires at once.
int64_t setTimer(int fd, double deadline);

}  // namespace genloop
