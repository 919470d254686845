// The few socket calls that every mode needs, with failures turned into messages.
#pragma once

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "options.h"

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

namespace load {

/// How many source addresses are used (127.0.1.1, 127.0.1.2, …). An ephemeral port is free again only when its
/// quadruple of addresses and ports is: with one source address about 28,000 connections, living or in
/// TIME_WAIT, are the end. 127.0.0.0/8 is all ours, so more sources are the cheap way out.
constexpr unsigned kSources = 200;

inline sockaddr_in addressOf(const std::string& host, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, host.c_str(), &address.sin_addr);
  return address;
}

/// Raises the soft limit of descriptors to the hard one.
inline void raiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

/// A TCP socket that starts to connect. Not non-blocking yet with `blocking`: connect(2) then has ended. `room`: the
/// size of its buffers, 0 for the system's own.
inline int connectTcp(const Options& options, unsigned index, bool blocking, int room = 0) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | (blocking ? 0 : SOCK_NONBLOCK), 0);
  if (fd < 0) fail(errorText("socket"));
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (room > 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  }
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one,
             sizeof one);  // the port is chosen by connect, per quadruple
  sockaddr_in source = addressOf("127.0.1.0", 0);
  source.sin_addr.s_addr = htonl(ntohl(source.sin_addr.s_addr) + 1 + index % kSources);
  if (bind(fd, reinterpret_cast<sockaddr*>(&source), sizeof source) < 0) fail(errorText("bind"));
  sockaddr_in target = addressOf(options.host, options.port);
  if (connect(fd, reinterpret_cast<sockaddr*>(&target), sizeof target) < 0 && errno != EINPROGRESS) {
    fail(errorText("connect") + " (" + options.host + ":" + std::to_string(options.port) + ")");
  }
  return fd;
}

inline void setNonBlocking(int fd) {
  if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0) fail(errorText("fcntl"));
}

inline void control(int epoll, int operation, int fd, uint32_t events, uint32_t index) {
  epoll_event event{};
  event.events = events;
  event.data.u32 = index;
  if (epoll_ctl(epoll, operation, fd, &event) < 0) fail(errorText("epoll_ctl"));
}

}  // namespace load
