// Linux and FreeBSD take the flags in the call itself. Darwin does not, so there each step is
// followed by fcntl (a fork in between leaks the number to the child; nothing can be done about
// it), and since Darwin has no MSG_NOSIGNAL either, each socket gets SO_NOSIGPIPE.

#include "creation.h"

#include <fcntl.h>
#include <unistd.h>

#include "address.h"
#include "result.h"

namespace genloop {

#if !defined(__APPLE__)

int64_t openSocket(int family, int type, int protocol) {
  return retried([=] { return ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol); });
}

int64_t openSocketpair(int family, int type, int protocol, int pair[2]) {
  return retried([=] { return ::socketpair(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol, pair); });
}

int64_t openPipe(int pair[2]) {
  return retried([=] { return ::pipe2(pair, O_NONBLOCK | O_CLOEXEC); });
}

int64_t acceptSocket(int fd, uint8_t* slot) {
  socklen_t length;
  const int64_t accepted = retried([&] {
    length = kSlotAddress;
    return ::accept4(fd, slotAddress(slot), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  });
  if (accepted >= 0) fillSlot(slot, length, false);
  return accepted;
}

#else

namespace {

// 0, or -errno with the descriptor closed.
int64_t prepare(int fd, bool isSocket) {
  const int flags = ::fcntl(fd, F_GETFL);
  int status = flags < 0 ? -1 : ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  if (status == 0) status = ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  if (status == 0 && isSocket) {
    const int on = 1;
    // A socket whose peer is gone already answers EINVAL here; its first send then says EPIPE.
    ::setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof(on));
  }
  if (status == 0) return 0;
  const int64_t error = -errno;
  ::close(fd);
  return error;
}

int64_t preparePair(int pair[2], bool areSockets) {
  const int64_t first = prepare(pair[0], areSockets);
  if (first < 0) {
    ::close(pair[1]);
    return first;
  }
  const int64_t second = prepare(pair[1], areSockets);
  if (second < 0) ::close(pair[0]);
  return second;
}

}  // namespace

int64_t openSocket(int family, int type, int protocol) {
  const int64_t fd = retried([=] { return ::socket(family, type, protocol); });
  if (fd < 0) return fd;
  const int64_t status = prepare(static_cast<int>(fd), true);
  return status < 0 ? status : fd;
}

int64_t openSocketpair(int family, int type, int protocol, int pair[2]) {
  const int64_t status = retried([=] { return ::socketpair(family, type, protocol, pair); });
  return status < 0 ? status : preparePair(pair, true);
}

int64_t openPipe(int pair[2]) {
  const int64_t status = retried([=] { return ::pipe(pair); });
  return status < 0 ? status : preparePair(pair, false);
}

int64_t acceptSocket(int fd, uint8_t* slot) {
  socklen_t length;
  const int64_t accepted = retried([&] {
    length = kSlotAddress;
    return ::accept(fd, slotAddress(slot), &length);
  });
  if (accepted < 0) return accepted;
  const int64_t status = prepare(static_cast<int>(accepted), true);
  if (status < 0) return status;
  fillSlot(slot, length, false);
  return accepted;
}

#endif

}  // namespace genloop
