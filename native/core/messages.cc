// What a system lacks is made up for here, and nowhere else:
//
//   recvmmsg, sendmmsg   Linux has them; elsewhere a loop of recvmsg and sendmsg says the same.
//                        (FreeBSD's are such a loop, in its C library.)
//   MSG_CMSG_CLOEXEC     Darwin has none: fcntl follows, and a fork in between leaks the number.
//   MSG_NOSIGNAL         Darwin has none: see sockets.h.
//   SCM_CREDENTIALS      Linux. The others' credentials have another form, and sending them is
//                        EOPNOTSUPP.
//
// On Linux the calls are made by number, as in sockets.cc.

#include "messages.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>

#if defined(__linux__)
#include <sys/syscall.h>
#endif

#include "address.h"
#include "result.h"
#include "sockets.h"

namespace genloop {

namespace {

#if defined(MSG_CMSG_CLOEXEC)
constexpr int kCloseOnExec = MSG_CMSG_CLOEXEC;
#else
constexpr int kCloseOnExec = 0;
#endif

#if defined(__linux__)
// Not in every C library's headers; a socket that asks for them gets a descriptor more.
constexpr int kScmPidfd = 4;
#endif

#if defined(SCM_CREDENTIALS)
constexpr size_t kCredentialsSpace = CMSG_SPACE(sizeof(ucred));
#else
constexpr size_t kCredentialsSpace = 0;
#endif
constexpr size_t kControlSpace = CMSG_SPACE(sizeof(int) * kMostDescriptors) + kCredentialsSpace;

void put(cmsghdr* header, int type, const void* data, size_t size) {
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(size);
  std::memcpy(CMSG_DATA(header), data, size);
}

// The row as control messages; how many bytes, or -errno.
int64_t pack(const int32_t* row, uint8_t* space) {
  size_t used = 0;
  const size_t count = static_cast<size_t>(row[kControlCount]);
  if (count > 0) {
    put(reinterpret_cast<cmsghdr*>(space), SCM_RIGHTS, row + kControlHeader, sizeof(int) * count);
    used += CMSG_SPACE(sizeof(int) * count);
  }
  if (row[kControlHasCredentials] != 0) {
#if defined(SCM_CREDENTIALS)
    const ucred credentials{row[kControlPid], static_cast<uid_t>(row[kControlUid]),
                            static_cast<gid_t>(row[kControlGid])};
    put(reinterpret_cast<cmsghdr*>(space + used), SCM_CREDENTIALS, &credentials, sizeof(credentials));
    used += kCredentialsSpace;
#else
    return -EOPNOTSUPP;
#endif
  }
  return static_cast<int64_t>(used);
}

// 0 or -errno.
int64_t prepareReceived(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0) return -errno;
  if ((flags & O_NONBLOCK) == 0 && ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) return -errno;
  if (kCloseOnExec == 0 && ::fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) return -errno;
  return 0;
}

// Takes the descriptors of all control messages into one list. Nothing that was received is left
// out, whatever brought it: what is not known here would stay open for ever.
class Received {
 public:
  explicit Received(msghdr* message) {
    for (cmsghdr* header = CMSG_FIRSTHDR(message); header != nullptr; header = CMSG_NXTHDR(message, header)) {
      if (header->cmsg_level != SOL_SOCKET) continue;
      if (header->cmsg_type == SCM_RIGHTS) add(header);
#if defined(__linux__)
      // Nobody has asked this library for it, so nobody would know what to do with it.
      if (header->cmsg_type == kScmPidfd) closeFirst(header);
#endif
#if defined(SCM_CREDENTIALS)
      if (header->cmsg_type == SCM_CREDENTIALS && header->cmsg_len >= CMSG_LEN(sizeof(ucred))) {
        std::memcpy(&credentials, CMSG_DATA(header), sizeof(credentials));
        hasCredentials = true;
      }
#endif
    }
  }

  void closeAll() {
    for (size_t at = 0; at < count; at++) ::close(descriptors[at]);
    count = 0;
  }

  int descriptors[kMostDescriptors];
  size_t count = 0;
  bool overflow = false;
  bool hasCredentials = false;
#if defined(SCM_CREDENTIALS)
  ucred credentials{};
#endif

 private:
  void add(const cmsghdr* header) {
    const size_t size = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t at = 0; at < size; at++) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(header) + at * sizeof(int), sizeof(fd));
      if (count < kMostDescriptors) {
        descriptors[count++] = fd;
      } else {
        overflow = true;
        ::close(fd);
      }
    }
  }

#if defined(__linux__)
  static void closeFirst(const cmsghdr* header) {
    if (header->cmsg_len < CMSG_LEN(sizeof(int))) return;
    int fd;
    std::memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    if (fd >= 0) ::close(fd);
  }
#endif
};

void unpack(msghdr* message, int32_t* row, size_t room) {
  Received received(message);
  bool lost = received.overflow || received.count > room || (message->msg_flags & MSG_CTRUNC) != 0;
  for (size_t at = 0; at < received.count && !lost; at++) lost = prepareReceived(received.descriptors[at]) < 0;
  if (lost) received.closeAll();
  row[kControlCount] = static_cast<int32_t>(received.count);
  row[kControlLost] = lost ? 1 : 0;
  row[kControlHasCredentials] = received.hasCredentials ? 1 : 0;
  row[kControlPid] = row[kControlUid] = row[kControlGid] = 0;
#if defined(SCM_CREDENTIALS)
  row[kControlPid] = received.credentials.pid;
  row[kControlUid] = static_cast<int32_t>(received.credentials.uid);
  row[kControlGid] = static_cast<int32_t>(received.credentials.gid);
#endif
  std::memcpy(row + kControlHeader, received.descriptors, sizeof(int) * received.count);
}

// Headers are written where they stand. One that is made first and copied then is read back in wider pieces than it was
// written in, for which the processor waits: with a batch of 64 that was nine tenths of the work here.
void prepare(msghdr* header, const OutgoingDatagram& datagram) {
  std::memset(header, 0, sizeof(*header));
  header->msg_name = const_cast<sockaddr*>(datagram.address);
  header->msg_namelen = datagram.addressLength;
  header->msg_iov = const_cast<iovec*>(&datagram.part);
  header->msg_iovlen = 1;
}

void prepare(msghdr* header, IncomingDatagram& datagram) {
  std::memset(header, 0, sizeof(*header));
  header->msg_name = slotAddress(datagram.slot);
  header->msg_namelen = kSlotAddress;
  header->msg_iov = &datagram.part;
  header->msg_iovlen = 1;
}

void fill(IncomingDatagram& datagram, const msghdr& header, size_t received) {
  fillSlot(datagram.slot, header.msg_namelen, (header.msg_flags & MSG_TRUNC) != 0);
  datagram.received = received;
}

}  // namespace

int64_t writeGathered(int fd, const iovec* parts, size_t count) {
  return retried([=] { return ::writev(fd, parts, static_cast<int>(count)); });
}

int64_t sendMessage(int fd, iovec* parts, size_t count, int flags, const sockaddr* address, socklen_t addressLength,
                    const int32_t* control) {
  alignas(cmsghdr) uint8_t space[kControlSpace] = {};
  msghdr message{};
  message.msg_name = const_cast<sockaddr*>(address);
  message.msg_namelen = addressLength;
  message.msg_iov = parts;
  message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(count);
  if (control != nullptr) {
    const int64_t used = pack(control, space);
    if (used < 0) return used;
    message.msg_control = used == 0 ? nullptr : space;
    message.msg_controllen = static_cast<decltype(message.msg_controllen)>(used);
  }
  return retried([&] { return ::sendmsg(fd, &message, flags | kNoSignal); });
}

int64_t receiveMessage(int fd, uint8_t* bytes, size_t length, int flags, uint8_t* slot, int32_t* control, size_t room) {
  alignas(cmsghdr) uint8_t space[kControlSpace];
  iovec part{bytes, length};
  msghdr message{};
  message.msg_name = slotAddress(slot);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (room > kMostDescriptors) room = kMostDescriptors;
  const size_t size = kCredentialsSpace + (room == 0 ? 0 : CMSG_SPACE(sizeof(int) * room));
  const int64_t received = retried([&] {
    message.msg_namelen = kSlotAddress;
    message.msg_control = control == nullptr || size == 0 ? nullptr : space;
    message.msg_controllen = static_cast<decltype(message.msg_controllen)>(control == nullptr ? 0 : size);
    return ::recvmsg(fd, &message, flags | kCloseOnExec);
  });
  if (received < 0) return received;
  fillSlot(slot, message.msg_namelen, (message.msg_flags & MSG_TRUNC) != 0);
  if (control != nullptr) unpack(&message, control, room);
  return received;
}

int64_t receiveOneByOne(int fd, IncomingDatagram* datagrams, size_t count, int flags) {
  for (size_t at = 0; at < count; at++) {
    msghdr header;
    const int64_t received = retried([&] {
      prepare(&header, datagrams[at]);
      return ::recvmsg(fd, &header, flags);
    });
    // What has come is not lost for the error of the one after it, which says so again if it lasts.
    if (received < 0) return at == 0 ? received : static_cast<int64_t>(at);
    fill(datagrams[at], header, static_cast<size_t>(received));
  }
  return static_cast<int64_t>(count);
}

int64_t sendOneByOne(int fd, const OutgoingDatagram* datagrams, size_t count, int flags) {
  for (size_t at = 0; at < count; at++) {
    msghdr header;
    prepare(&header, datagrams[at]);
    const int64_t sent = retried([&] { return ::sendmsg(fd, &header, flags | kNoSignal); });
    if (sent < 0) return at == 0 ? sent : static_cast<int64_t>(at);
  }
  return static_cast<int64_t>(count);
}

#if defined(__linux__) && defined(SYS_recvmmsg) && defined(SYS_sendmmsg)

int64_t receiveDatagrams(int fd, IncomingDatagram* datagrams, size_t count, int flags) {
  mmsghdr headers[kMostDatagrams];
  for (size_t at = 0; at < count; at++) prepare(&headers[at].msg_hdr, datagrams[at]);
  const int64_t came = retried([&] { return ::syscall(SYS_recvmmsg, fd, headers, count, flags, nullptr); });
  for (int64_t at = 0; at < came; at++) fill(datagrams[at], headers[at].msg_hdr, headers[at].msg_len);
  return came;
}

int64_t sendDatagrams(int fd, const OutgoingDatagram* datagrams, size_t count, int flags) {
  mmsghdr headers[kMostDatagrams];
  for (size_t at = 0; at < count; at++) prepare(&headers[at].msg_hdr, datagrams[at]);
  return retried([&] { return ::syscall(SYS_sendmmsg, fd, headers, count, flags | kNoSignal); });
}

#else

int64_t receiveDatagrams(int fd, IncomingDatagram* datagrams, size_t count, int flags) {
  return receiveOneByOne(fd, datagrams, count, flags);
}

int64_t sendDatagrams(int fd, const OutgoingDatagram* datagrams, size_t count, int flags) {
  return sendOneByOne(fd, datagrams, count, flags);
}

#endif

}  // namespace genloop
