// Messages: bytes from several buffers in one call, many datagrams in one call, and what travels
// beside the bytes (descriptors, credentials). Everything here returns >= 0 or -errno and never
// raises SIGPIPE.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

namespace genloop {

// How many buffers or datagrams go through one call at most: what stands on the stack for them is
// bounded. A gathering write takes the first ones, as it takes the first bytes.
constexpr size_t kMostBuffers = 256;
constexpr size_t kMostDatagrams = 256;
// The kernel's own limit (SCM_MAX_FD).
constexpr size_t kMostDescriptors = 253;

// What travels beside the bytes, as a row of integers: how many descriptors, whether some got lost,
// whether there are credentials, then pid, uid, gid, and the descriptors.
enum ControlColumn : size_t {
  kControlCount,
  kControlLost,
  kControlHasCredentials,
  kControlPid,
  kControlUid,
  kControlGid,
  kControlHeader,
};

struct OutgoingDatagram {
  iovec part;
  const sockaddr* address;  // null: the peer's
  socklen_t addressLength;
};

struct IncomingDatagram {
  iovec part;
  uint8_t* slot;
  size_t received;
};

// writev(2).
int64_t writeGathered(int fd, const iovec* parts, size_t count);

// sendmsg(2). `control` is null, or a row whose count of descriptors is at most kMostDescriptors.
int64_t sendMessage(int fd, iovec* parts, size_t count, int flags, const sockaddr* address, socklen_t addressLength,
                    const int32_t* control);

// recvmsg(2). `control` is null, or a row with room for so many descriptors; those that come are
// close-on-exec and non-blocking. Where they do not fit, or the kernel has cut them, all of them
// are closed and the row says that they are lost: half of what was sent is of no use to anybody.
int64_t receiveMessage(int fd, uint8_t* bytes, size_t length, int flags, uint8_t* slot, int32_t* control, size_t room);

// recvmmsg(2): how many datagrams came, without waiting for more than there are.
int64_t receiveDatagrams(int fd, IncomingDatagram* datagrams, size_t count, int flags);

// sendmmsg(2): how many went. The error of one that did not go is that of the next call, which
// begins with it.
int64_t sendDatagrams(int fd, const OutgoingDatagram* datagrams, size_t count, int flags);

// The same by as many calls, for systems that have no other.
int64_t receiveOneByOne(int fd, IncomingDatagram* datagrams, size_t count, int flags);
int64_t sendOneByOne(int fd, const OutgoingDatagram* datagrams, size_t count, int flags);

}  // namespace genloop
