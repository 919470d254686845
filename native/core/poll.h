// poll, over the caller's own array: a row of two 32-bit integers is the kernel's struct pollfd.
#pragma once

#include <cstddef>
#include <cstdint>

#include "time.h"

namespace genloop {

constexpr size_t kPollRow = 2;

// How many rows have revents. -EINTR is handed up.
int64_t waitPoll(int32_t* rows, size_t count, const Timeout& timeout);

}  // namespace genloop
