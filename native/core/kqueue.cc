// The record differs between systems in widths and order (FreeBSD 12 appended ext[4]), so rows are
// translated field by field. EV_RECEIPT and the rest are passed as they are: what they mean is
// policy.

#include "kqueue.h"

#include <cstdlib>

namespace genloop {

KeventRoom::~KeventRoom() { std::free(memory_); }

void* KeventRoom::reserve(size_t bytes) {
  if (bytes <= size_ && memory_ != nullptr) return memory_;
  void* grown = std::realloc(memory_, bytes == 0 ? 1 : bytes);
  if (grown == nullptr) return nullptr;
  memory_ = grown;
  size_ = bytes;
  return grown;
}

}  // namespace genloop

#if defined(GENLOOP_LIBKQUEUE) || defined(GENLOOP_HAVE_KQUEUE) || defined(__APPLE__) || defined(__FreeBSD__) || \
    defined(__NetBSD__) || defined(__OpenBSD__)

#include <sys/types.h>
// must follow sys/types.h
#include <fcntl.h>
#include <sys/event.h>
#include <sys/time.h>

#include <algorithm>

#include "descriptors.h"
#include "result.h"

namespace genloop {

namespace {

using Record = struct kevent;

constexpr size_t kMaxEvents = INT32_MAX / sizeof(Record);

uint64_t joined(const int32_t* halves) {
  return static_cast<uint64_t>(static_cast<uint32_t>(halves[1])) << 32 | static_cast<uint32_t>(halves[0]);
}

void split(uint64_t value, int32_t* halves) {
  halves[0] = static_cast<int32_t>(value);
  halves[1] = static_cast<int32_t>(value >> 32);
}

void toRecord(const int32_t* row, Record* record) {
  *record = Record{};
  record->ident = static_cast<uint32_t>(row[0]);
  record->filter = static_cast<decltype(record->filter)>(row[1]);
  record->flags = static_cast<decltype(record->flags)>(row[2]);
  record->fflags = static_cast<decltype(record->fflags)>(row[3]);
  record->data = static_cast<decltype(record->data)>(joined(row + 4));
  record->udata = reinterpret_cast<decltype(record->udata)>(static_cast<uintptr_t>(joined(row + 6)));
}

void toRow(const Record& record, int32_t* row) {
  row[0] = static_cast<int32_t>(record.ident);
  row[1] = static_cast<int32_t>(record.filter);
  row[2] = static_cast<int32_t>(record.flags);
  row[3] = static_cast<int32_t>(record.fflags);
  split(static_cast<uint64_t>(static_cast<int64_t>(record.data)), row + 4);
  split(static_cast<uint64_t>(reinterpret_cast<uintptr_t>(record.udata)), row + 6);
}

}  // namespace

int64_t openKqueue() {
  const int64_t kq = retried([] { return ::kqueue(); });
  if (kq < 0) return kq;
  // Not inherited over fork, but over exec without one.
  if (::fcntl(static_cast<int>(kq), F_SETFD, FD_CLOEXEC) == 0) return kq;
  const int64_t error = -errno;
  closeDescriptor(static_cast<int>(kq));
  return error;
}

int64_t waitKqueue(int kq, const int32_t* changes, size_t changeCount, int32_t* events, size_t capacity,
                   const Timeout& timeout, KeventRoom* room) {
  if (changeCount > kMaxEvents) return -EINVAL;
  capacity = std::min(capacity, kMaxEvents);
  Record* records = static_cast<Record*>(room->reserve((changeCount + capacity) * sizeof(Record)));
  if (records == nullptr) return -ENOMEM;
  Record* out = records + changeCount;
  for (size_t at = 0; at < changeCount; at++) toRecord(changes + at * kKeventRow, records + at);

  // Without room for an event the call returns at once; said here, so that no emulation has to know
  // it.
  timespec duration = capacity == 0 ? timespec{0, 0} : timeout.duration;
  const bool forever = timeout.forever && capacity != 0;
  const int64_t count = result(::kevent(kq, records, static_cast<int>(changeCount), out, static_cast<int>(capacity),
                                        forever ? nullptr : &duration));
  for (int64_t at = 0; at < count; at++) {
    toRow(out[at], events + static_cast<size_t>(at) * kKeventRow);
  }
  return count;
}

}  // namespace genloop

#else

#include <cerrno>

namespace genloop {

int64_t openKqueue() { return -ENOSYS; }
int64_t waitKqueue(int, const int32_t*, size_t, int32_t*, size_t, const Timeout&, KeventRoom*) { return -ENOSYS; }

}  // namespace genloop

#endif
