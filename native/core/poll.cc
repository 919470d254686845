// ppoll takes nanoseconds; Darwin has only poll, with milliseconds.

#include "poll.h"

#include <poll.h>

#include "result.h"

namespace genloop {

static_assert(sizeof(pollfd) == kPollRow * sizeof(int32_t), "a row is a pollfd");

#if defined(__APPLE__)

int64_t waitPoll(int32_t* rows, size_t count, const Timeout& timeout) {
  return waitInMilliseconds(timeout, [=](int milliseconds) {
    return result(::poll(reinterpret_cast<pollfd*>(rows), static_cast<nfds_t>(count), milliseconds));
  });
}

#else

int64_t waitPoll(int32_t* rows, size_t count, const Timeout& timeout) {
  return result(::ppoll(reinterpret_cast<pollfd*>(rows), static_cast<nfds_t>(count),
                        timeout.forever ? nullptr : &timeout.duration, nullptr));
}

#endif

}  // namespace genloop
