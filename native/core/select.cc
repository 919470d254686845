// pselect rather than select, for its nanoseconds.

#include "select.h"

#include <sys/select.h>

#include <algorithm>
#include <cerrno>

#include "descriptors.h"
#include "result.h"

namespace genloop {

namespace {

constexpr int32_t kSelectAny = kSelectRead | kSelectWrite | kSelectExceptional;

struct Sets {
  fd_set read;
  fd_set write;
  fd_set exceptional;
};

int32_t readyIn(const Sets& sets, int fd, int32_t interest) {
  int32_t ready = 0;
  if ((interest & kSelectRead) != 0 && FD_ISSET(fd, &sets.read)) ready |= kSelectRead;
  if ((interest & kSelectWrite) != 0 && FD_ISSET(fd, &sets.write)) ready |= kSelectWrite;
  if ((interest & kSelectExceptional) != 0 && FD_ISSET(fd, &sets.exceptional)) {
    ready |= kSelectExceptional;
  }
  return ready;
}

}  // namespace

int64_t waitSelect(int32_t* rows, size_t count, const Timeout& timeout) {
  Sets sets;
  FD_ZERO(&sets.read);
  FD_ZERO(&sets.write);
  FD_ZERO(&sets.exceptional);
  int highest = -1;
  bool outside = false;
  for (size_t at = 0; at < count; at++) {
    int32_t* row = rows + at * kSelectRow;
    const int32_t fd = row[0];
    row[2] = 0;
    if (fd < 0 || fd >= FD_SETSIZE) {
      outside = true;
      continue;
    }
    if ((row[1] & kSelectAny) != 0) highest = std::max(highest, fd);
    if ((row[1] & kSelectRead) != 0) FD_SET(fd, &sets.read);
    if ((row[1] & kSelectWrite) != 0) FD_SET(fd, &sets.write);
    if ((row[1] & kSelectExceptional) != 0) FD_SET(fd, &sets.exceptional);
  }
  if (outside) return -EINVAL;
  // Linux looks no further than the process's table of descriptors: a closed number beyond it is not EBADF
  // but ignored, with its bit left as it was, which reads as "ready". If the highest is open, all are inside.
  if (highest >= 0 && !isOpen(highest)) return -EBADF;

  const int64_t bits = result(::pselect(highest + 1, &sets.read, &sets.write, &sets.exceptional,
                                        timeout.forever ? nullptr : &timeout.duration, nullptr));
  if (bits <= 0) return bits;
  int64_t ready = 0;
  for (size_t at = 0; at < count; at++) {
    int32_t* row = rows + at * kSelectRow;
    const int32_t fd = row[0];
    // Read again, and so checked again: the rows may lie in memory that another thread writes.
    if (fd < 0 || fd >= FD_SETSIZE) continue;
    row[2] = readyIn(sets, fd, row[1]);
    if (row[2] != 0) ready++;
  }
  return ready;
}

}  // namespace genloop
