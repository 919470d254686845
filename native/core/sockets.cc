// Thin on purpose: what a call does is the manual's business. Two things are not what their names
// say. recvfrom is recvmsg, since the plain call cannot tell that a datagram was longer than the
// buffer. And recv and send are made by number on Linux: the C library's are cancellation points,
// which costs them two atomic operations each as soon as there is a second thread, and Node always
// has some.

#include "sockets.h"

#include <sys/uio.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "address.h"
#include "result.h"

namespace genloop {

namespace {

#if defined(__linux__) && defined(SYS_recvfrom) && defined(SYS_sendto)
long plainRecv(int fd, void* bytes, size_t length, int flags) {
  return ::syscall(SYS_recvfrom, fd, bytes, length, flags, nullptr, nullptr);
}
long plainSend(int fd, const void* bytes, size_t length, int flags) {
  return ::syscall(SYS_sendto, fd, bytes, length, flags, nullptr, 0);
}
#else
ssize_t plainRecv(int fd, void* bytes, size_t length, int flags) { return ::recv(fd, bytes, length, flags); }
ssize_t plainSend(int fd, const void* bytes, size_t length, int flags) { return ::send(fd, bytes, length, flags); }
#endif

}  // namespace

int64_t bindSocket(int fd, const sockaddr* address, socklen_t length) {
  return retried([=] { return ::bind(fd, address, length); });
}

int64_t listenSocket(int fd, int backlog) {
  return retried([=] { return ::listen(fd, backlog); });
}

int64_t connectSocket(int fd, const sockaddr* address, socklen_t length) {
  return result(::connect(fd, address, length));
}

int64_t receive(int fd, uint8_t* bytes, size_t length, int flags) {
  return retried([=] { return plainRecv(fd, bytes, length, flags); });
}

int64_t receiveEach(int32_t* rows, size_t count, uint8_t* bytes, size_t each) {
  int64_t total = 0;
  for (int32_t* row = rows; row != rows + count * kReceiveRow; row += kReceiveRow) {
    const int64_t received = receive(row[0], bytes + total, each, 0);
    row[1] = static_cast<int32_t>(received);
    if (received > 0) total += received;
  }
  return total;
}

int64_t transmit(int fd, const uint8_t* bytes, size_t length, int flags) {
  return retried([=] { return plainSend(fd, bytes, length, flags | kNoSignal); });
}

int64_t transmitEach(int32_t* rows, size_t count, const uint8_t* bytes) {
  int64_t total = 0;
  for (int32_t* row = rows; row != rows + count * kSendRow; row += kSendRow) {
    const int64_t sent = transmit(row[0], bytes + row[1], static_cast<size_t>(row[2]), 0);
    row[3] = static_cast<int32_t>(sent);
    if (sent > 0) total += sent;
  }
  return total;
}

int64_t receiveFrom(int fd, uint8_t* bytes, size_t length, int flags, uint8_t* slot) {
  iovec part{bytes, length};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_name = slotAddress(slot);
  const int64_t received = retried([&] {
    message.msg_namelen = kSlotAddress;
    return ::recvmsg(fd, &message, flags);
  });
  if (received >= 0) fillSlot(slot, message.msg_namelen, (message.msg_flags & MSG_TRUNC) != 0);
  return received;
}

int64_t transmitTo(int fd, const uint8_t* bytes, size_t length, int flags, const sockaddr* address,
                   socklen_t addressLength) {
  return retried([=] { return ::sendto(fd, bytes, length, flags | kNoSignal, address, addressLength); });
}

int64_t shutdownSocket(int fd, int how) {
  return retried([=] { return ::shutdown(fd, how); });
}

int64_t localAddress(int fd, uint8_t* slot) {
  socklen_t length = kSlotAddress;
  const int64_t status = result(::getsockname(fd, slotAddress(slot), &length));
  if (status >= 0) fillSlot(slot, length, false);
  return status;
}

int64_t peerAddress(int fd, uint8_t* slot) {
  socklen_t length = kSlotAddress;
  const int64_t status = result(::getpeername(fd, slotAddress(slot), &length));
  if (status >= 0) fillSlot(slot, length, false);
  return status;
}

int64_t getOption(int fd, int level, int name, uint8_t* value, size_t size) {
  socklen_t length = static_cast<socklen_t>(size);
  const int64_t status = retried([&] { return ::getsockopt(fd, level, name, value, &length); });
  return status < 0 ? status : static_cast<int64_t>(length);
}

int64_t setOption(int fd, int level, int name, const uint8_t* value, size_t size) {
  return retried([=] { return ::setsockopt(fd, level, name, value, static_cast<socklen_t>(size)); });
}

}  // namespace genloop
