// kqueue, in rows of eight 32-bit integers: ident, filter, flags, fflags, data (low, high half),
// udata (low, high half). On Linux it is there only when built over libkqueue
// (-DGENLOOP_LIBKQUEUE), for tests.
#pragma once

#include <cstddef>
#include <cstdint>

#include "time.h"

namespace genloop {

constexpr size_t kKeventRow = 8;

// Room for the system's own records, kept from call to call so that a wait allocates nothing.
class KeventRoom {
 public:
  KeventRoom() = default;
  ~KeventRoom();
  KeventRoom(const KeventRoom&) = delete;
  KeventRoom& operator=(const KeventRoom&) = delete;

  // null if there is no memory
  void* reserve(size_t bytes);

 private:
  void* memory_ = nullptr;
  size_t size_ = 0;
};

int64_t openKqueue();
// Applies the changes, then waits for at most `capacity` rows. -EINTR is handed up: the changes
// have been applied.
int64_t waitKqueue(int kq, const int32_t* changes, size_t changeCount, int32_t* events, size_t capacity,
                   const Timeout& timeout, KeventRoom* room);

}  // namespace genloop
