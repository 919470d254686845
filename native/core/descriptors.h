// The calls that any descriptor takes, whatever kind of file it is.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace genloop {

// Bytes that a request must offer if its number encodes no size: termios and friends need fewer.
constexpr size_t kUnsizedRequest = 64;

// O_NONBLOCK, O_CLOEXEC and O_NOCTTY are added: a program must not get stuck in, pass on, or become
// the session of what it opens.
int64_t openFile(const char* path, int flags, mode_t mode);
int64_t readBytes(int fd, uint8_t* bytes, size_t length);
int64_t writeBytes(int fd, const uint8_t* bytes, size_t length);
// Once, whatever it says: the number is free after EINTR too.
int64_t closeDescriptor(int fd);
int64_t duplicate(int fd);
// Only for commands with an integer argument; others are -EINVAL, as they would take it for a
// pointer.
int64_t controlDescriptor(int fd, int command, int argument);
bool isOpen(int fd);
// st_mode: the kind of file and its permissions.
int64_t fileMode(int fd);

// How many bytes the request reads or writes through its pointer.
size_t requestSize(unsigned long request);
// The caller has checked that there are at least requestSize(request) bytes.
int64_t controlDevice(int fd, unsigned long request, uint8_t* bytes, size_t size);

// -ENOSYS where the system has none.
int64_t openEventCounter(unsigned initial, int flags);

}  // namespace genloop
