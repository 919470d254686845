// Echo, closed loop: every connection has one message under way, and sends the next when the reply is complete.
// Every byte of every reply is compared.
#pragma once

#include "pattern.h"
#include "window.h"

namespace load {

class TcpEcho {
 public:
  explicit TcpEcho(const Options& options)
      : options_(options),
        size_(static_cast<size_t>(options.size)),
        pattern_(size_),
        buffer_(size_ + 1),
        connections_(static_cast<size_t>(options.connections)),
        window_("tcp-echo", options),
        epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

  void run() {
    for (uint32_t i = 0; i < connections_.size(); ++i) {
      connections_[i].fd = connectTcp(options_, i, true);
      setNonBlocking(connections_[i].fd);
      control(epoll_, EPOLL_CTL_ADD, connections_[i].fd, EPOLLIN, i);
    }
    window_.begin();
    for (uint32_t i = 0; i < connections_.size(); ++i) start(i);
    epoll_event events[512];
    while (underWay_ > 0) {
      int count = epoll_wait(epoll_, events, 512, 5000);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail(errorText("epoll_wait"));
      if (count == 0) fail("no reply for 5 s on " + std::to_string(underWay_) + " connections");
      for (int i = 0; i < count; ++i) {
        uint32_t index = events[i].data.u32;
        if (events[i].events & EPOLLOUT) send(index);
        if (events[i].events & ~static_cast<uint32_t>(EPOLLOUT)) receive(index);
      }
    }
    for (auto& connection : connections_) close(connection.fd);
    window_.print(",\"size\":" + std::to_string(size_));
  }

 private:
  struct Connection {
    int fd = -1;
    uint32_t number = 0;  // of the message under way
    size_t sent = 0, received = 0;
    bool blocked = false;  // EPOLLOUT is armed
    const uint8_t* message = nullptr;
    int64_t start = 0;
  };

  void start(uint32_t index) {
    Connection& connection = connections_[index];
    connection.message = pattern_.message(index, connection.number++);
    connection.sent = connection.received = 0;
    connection.start = now();
    ++underWay_;
    send(index);
  }

  void send(uint32_t index) {
    Connection& connection = connections_[index];
    while (connection.sent < size_) {
      ssize_t count =
          ::send(connection.fd, connection.message + connection.sent, size_ - connection.sent, MSG_NOSIGNAL);
      if (count < 0) {
        if (errno == EINTR) continue;
        if (errno != EAGAIN) fail("lost connection " + std::to_string(index) + ": " + errorText("send"));
        if (!connection.blocked) control(epoll_, EPOLL_CTL_MOD, connection.fd, EPOLLIN | EPOLLOUT, index);
        connection.blocked = true;
        return;
      }
      connection.sent += static_cast<size_t>(count);
    }
    if (connection.blocked) control(epoll_, EPOLL_CTL_MOD, connection.fd, EPOLLIN, index);
    connection.blocked = false;
  }

  void receive(uint32_t index) {
    Connection& connection = connections_[index];
    size_t missing = connection.sent - connection.received;
    ssize_t count = recv(connection.fd, buffer_.data(), missing + 1, 0);  // one more: surplus bytes are a fault too
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count < 0) fail("lost connection " + std::to_string(index) + ": " + errorText("recv"));
    if (count == 0) fail("lost connection " + std::to_string(index) + ": the server closed it");
    if (static_cast<size_t>(count) > missing)
      fail("connection " + std::to_string(index) + ": more bytes came back than were sent");
    if (std::memcmp(buffer_.data(), connection.message + connection.received, static_cast<size_t>(count)) != 0) {
      fail("connection " + std::to_string(index) + ", message " + std::to_string(connection.number - 1) +
           ": the reply differs");
    }
    connection.received += static_cast<size_t>(count);
    if (connection.received < size_) return;
    --underWay_;
    if (window_.count(connection.start, now())) start(index);
  }

  const Options& options_;
  size_t size_;
  Pattern pattern_;
  std::vector<uint8_t> buffer_;
  std::vector<Connection> connections_;
  Window window_;
  int epoll_;
  size_t underWay_ = 0;
};

}  // namespace load
