// The calls on a socket that is open already. Everything here returns >= 0 or -errno and never
// raises SIGPIPE.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>

namespace genloop {

constexpr size_t kReceiveRow = 2;
constexpr size_t kSendRow = 4;

// For every send: a broken connection is an error, and no signal.
#if defined(MSG_NOSIGNAL)
constexpr int kNoSignal = MSG_NOSIGNAL;
#else
constexpr int kNoSignal = 0;  // Darwin: SO_NOSIGPIPE was set when the socket was made
#endif

int64_t bindSocket(int fd, const sockaddr* address, socklen_t length);
int64_t listenSocket(int fd, int backlog);
// EINTR is handed up: the connection goes on being made, and a second call would say EALREADY.
int64_t connectSocket(int fd, const sockaddr* address, socklen_t length);
int64_t receive(int fd, uint8_t* bytes, size_t length, int flags);
// receive for each of `count` rows of [descriptor, result], at most `each` bytes, one behind the other
// from `bytes` on, where there is room for all. The number of bytes in all.
int64_t receiveEach(int32_t* rows, size_t count, uint8_t* bytes, size_t each);
int64_t transmit(int fd, const uint8_t* bytes, size_t length, int flags);
// transmit for each of `count` rows of [descriptor, offset, length, result], whose bytes lie within `bytes`. The number
// of bytes in all.
int64_t transmitEach(int32_t* rows, size_t count, const uint8_t* bytes);
// The sender's address and whether the datagram was cut go into the slot.
int64_t receiveFrom(int fd, uint8_t* bytes, size_t length, int flags, uint8_t* slot);
int64_t transmitTo(int fd, const uint8_t* bytes, size_t length, int flags, const sockaddr* address,
                   socklen_t addressLength);
int64_t shutdownSocket(int fd, int how);
int64_t localAddress(int fd, uint8_t* slot);
int64_t peerAddress(int fd, uint8_t* slot);
int64_t getOption(int fd, int level, int name, uint8_t* value, size_t size);
int64_t setOption(int fd, int level, int name, const uint8_t* value, size_t size);

}  // namespace genloop
