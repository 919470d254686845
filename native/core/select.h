// select, in rows of three 32-bit integers: descriptor, interest, result (1 read, 2 write, 4
// exceptional). Its sets are bit maps of fixed size, so a number beyond them is refused: setting
// its bit would write past the end.
#pragma once

#include <cstddef>
#include <cstdint>

#include "time.h"

namespace genloop {

constexpr size_t kSelectRow = 3;
constexpr int32_t kSelectRead = 1;
constexpr int32_t kSelectWrite = 2;
constexpr int32_t kSelectExceptional = 4;

// How many rows have a result; the result column of every row is written, whatever happens. A
// number outside the sets is -EINVAL. -EINTR is handed up.
int64_t waitSelect(int32_t* rows, size_t count, const Timeout& timeout);

}  // namespace genloop
