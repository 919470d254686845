// epoll, in rows of three 32-bit integers: events, then the low and the high half of the datum that
// was given when the descriptor was added. Readiness goes up as the kernel reports it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "time.h"

namespace genloop {

constexpr size_t kEpollRow = 3;

int64_t openEpoll();
int64_t controlEpoll(int epfd, int operation, int fd, uint32_t events, uint32_t low, uint32_t high);
// Fills at most `capacity` rows. `coarse` is the caller's memory of a kernel (or a seccomp filter)
// without epoll_pwait2: it becomes true when one was met. -EINTR is handed up.
int64_t waitEpoll(int epfd, int32_t* rows, size_t capacity, const Timeout& timeout, bool* coarse);

}  // namespace genloop
