// A double holds the milliseconds since boot to a nanosecond for about a hundred days, and to a few
// nanoseconds after that; a deadline is rounded up from what the double says, so that when the
// timer has fired, now() is not before it.

#include "time.h"

#include <cerrno>
#include <cmath>

#if __has_include(<sys/timerfd.h>)
#include <sys/timerfd.h>
#endif

#include "result.h"

namespace genloop {

namespace {

constexpr long kNanosecondsPerSecond = 1000000000;
constexpr double kMillisecondsPerSecond = 1e3;
constexpr double kNanosecondsPerMillisecond = 1e6;
// Darwin's select refuses more than 10^8 seconds.
constexpr double kLongestWait = 1e8 * kMillisecondsPerSecond;

timespec roundedUp(double milliseconds) {
  const double seconds = std::floor(milliseconds / kMillisecondsPerSecond);
  const double rest = milliseconds - seconds * kMillisecondsPerSecond;
  timespec time;
  time.tv_sec = static_cast<time_t>(seconds);
  time.tv_nsec = static_cast<long>(std::ceil(rest * kNanosecondsPerMillisecond));
  if (time.tv_nsec < 0) time.tv_nsec = 0;
  if (time.tv_nsec >= kNanosecondsPerSecond) {
    time.tv_nsec -= kNanosecondsPerSecond;
    time.tv_sec += 1;
  }
  return time;
}

}  // namespace

double now() {
  timespec time;
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) * kMillisecondsPerSecond +
         static_cast<double>(time.tv_nsec) / kNanosecondsPerMillisecond;
}

Timeout timeoutFrom(double milliseconds) {
  if (milliseconds < 0 || milliseconds > kLongestWait) return {true, {0, 0}};
  return {false, roundedUp(milliseconds)};
}

#if __has_include(<sys/timerfd.h>)

int64_t openTimer() {
  return retried([] { return ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC); });
}

int64_t setTimer(int fd, double deadline) {
  constexpr double kLatest = 9e15;  // 285,000 years, yet seconds that the kernel does not overflow
  itimerspec setting{};
  if (std::isfinite(deadline) || deadline < 0) {
    setting.it_value = deadline > 0 ? roundedUp(std::fmin(deadline, kLatest)) : timespec{0, 0};
    // An it_value of 0 disarms; the first nanosecond has passed as well.
    if (setting.it_value.tv_sec == 0 && setting.it_value.tv_nsec == 0) setting.it_value.tv_nsec = 1;
  }
  return retried([&] { return ::timerfd_settime(fd, TFD_TIMER_ABSTIME, &setting, nullptr); });
}

#else

int64_t openTimer() { return -ENOSYS; }
int64_t setTimer(int, double) { return -ENOSYS; }

#endif

}  // namespace genloop
