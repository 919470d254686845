// Two calls here take a pointer or an integer depending on another argument, fcntl and ioctl. Both
// are reachable with any number from JavaScript, so fcntl is limited to a list, and ioctl to as
// many bytes as its request can touch.

#include "descriptors.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#if __has_include(<sys/eventfd.h>)
#include <sys/eventfd.h>
#endif

#include "result.h"

namespace genloop {

namespace {

// Old requests have bare numbers that say nothing of their size, and some touch far more than
// anybody expects (PIO_FONT: 8 KiB). They work on a copy of this size, so that they cannot overrun
// an array.
constexpr size_t kBounceSize = 16384;

int64_t controlUnsized(int fd, unsigned long request, uint8_t* bytes, size_t size) {
  alignas(16) uint8_t bounce[kBounceSize];
  std::memset(bounce, 0, sizeof(bounce));
  std::memcpy(bounce, bytes, size);
  const int64_t status = retried([&] { return ::ioctl(fd, request, bounce); });
  if (status >= 0) std::memcpy(bytes, bounce, size);
  return status;
}

}  // namespace

int64_t openFile(const char* path, int flags, mode_t mode) {
  return retried([=] { return ::open(path, flags | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, mode); });
}

int64_t readBytes(int fd, uint8_t* bytes, size_t length) {
  return retried([=] { return ::read(fd, bytes, length); });
}

int64_t writeBytes(int fd, const uint8_t* bytes, size_t length) {
  return retried([=] { return ::write(fd, bytes, length); });
}

int64_t closeDescriptor(int fd) {
  const int64_t status = result(::close(fd));
  return status == -EINTR ? 0 : status;
}

int64_t duplicate(int fd) {
  return retried([=] { return ::fcntl(fd, F_DUPFD_CLOEXEC, 0); });
}

int64_t controlDescriptor(int fd, int command, int argument) {
  switch (command) {
    case F_GETFL:
    case F_SETFL:
    case F_GETFD:
    case F_SETFD:
#if defined(F_GETPIPE_SZ)
    case F_GETPIPE_SZ:
    case F_SETPIPE_SZ:
#endif
      return retried([=] { return ::fcntl(fd, command, argument); });
    default:
      return -EINVAL;
  }
}

int64_t fileMode(int fd) {
  struct stat status;
  const int64_t answer = retried([&] { return ::fstat(fd, &status); });
  return answer < 0 ? answer : static_cast<int64_t>(status.st_mode);
}

bool isOpen(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

size_t requestSize(unsigned long request) {
#if defined(_IOC_SIZE)
  const size_t encoded = _IOC_SIZE(request);
#else
  const size_t encoded = IOCPARM_LEN(request);
#endif
  return encoded == 0 ? kUnsizedRequest : encoded;
}

int64_t controlDevice(int fd, unsigned long request, uint8_t* bytes, size_t size) {
#if defined(_IOC_SIZE)
  const bool unsized = _IOC_SIZE(request) == 0;
#else
  const bool unsized = IOCPARM_LEN(request) == 0;
#endif
  if (unsized && size <= kBounceSize) return controlUnsized(fd, request, bytes, size);
  return retried([=] { return ::ioctl(fd, request, bytes); });
}

#if __has_include(<sys/eventfd.h>)

int64_t openEventCounter(unsigned initial, int flags) {
  return retried([=] { return ::eventfd(initial, flags | EFD_NONBLOCK | EFD_CLOEXEC); });
}

#else

int64_t openEventCounter(unsigned, int) { return -ENOSYS; }

#endif

}  // namespace genloop
