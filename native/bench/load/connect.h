// Connections, closed loop: connect, one byte and its echo, half-close, wait for the server's end of stream,
// close. Latency is the whole life.
//
// The end is the orderly one. A reset (SO_LINGER 0) would leave nothing behind here, but then the server's read
// fails with ECONNRESET: that measures its error path, which no other peer takes. The price is a TIME_WAIT on
// our side per connection; many source addresses (sockets.h) keep the ports from running out.
//
// With --count it ends after so many of them; --warmup 0 then counts them all.
#pragma once

#include "pattern.h"
#include "window.h"

namespace load {

class Connect {
 public:
  explicit Connect(const Options& options)
      : options_(options),
        pattern_(1),
        slots_(static_cast<size_t>(options.connections)),
        window_("connect", options),
        epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

  void run() {
    window_.begin();
    window_.tick(now());
    for (uint32_t i = 0; i < slots_.size(); ++i) start(i);
    epoll_event events[512];
    while (underWay_ > 0) {
      int count = epoll_wait(epoll_, events, 512, 5000);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail(errorText("epoll_wait"));
      if (count == 0) fail("no progress for 5 s on " + std::to_string(underWay_) + " connections");
      for (int i = 0; i < count; ++i) step(events[i].data.u32);
    }
    window_.print("");
  }

 private:
  struct Slot {
    int fd = -1;
    bool sent = false, echoed = false;
    uint8_t byte = 0;
    int64_t start = 0;
  };

  void start(uint32_t index) {
    Slot& slot = slots_[index];
    slot = Slot();
    slot.start = now();
    slot.byte = *pattern_.message(index, opened_);
    slot.fd = connectTcp(options_, opened_++, false);
    ++underWay_;
    // On loopback the handshake is normally over by now, though connect said EINPROGRESS.
    send(slot);
    control(epoll_, EPOLL_CTL_ADD, slot.fd, slot.sent ? EPOLLIN : EPOLLIN | EPOLLOUT, index);
  }

  void send(Slot& slot) {
    ssize_t count = ::send(slot.fd, &slot.byte, 1, MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN && errno != ENOTCONN) fail("lost a connection: " + errorText("send"));
    slot.sent = count == 1;
  }

  void step(uint32_t index) {
    Slot& slot = slots_[index];
    if (!slot.sent) {
      send(slot);
      if (slot.sent) control(epoll_, EPOLL_CTL_MOD, slot.fd, EPOLLIN, index);
      return;
    }
    uint8_t bytes[2];
    ssize_t count = recv(slot.fd, bytes, sizeof bytes, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count < 0) fail("lost a connection: " + errorText("recv"));
    if (!slot.echoed) {
      if (count == 0) fail("the server closed a connection before its echo");
      if (count != 1 || bytes[0] != slot.byte) fail("the echo of one byte differs");
      slot.echoed = true;
      shutdown(slot.fd, SHUT_WR);
      return;
    }
    if (count != 0) fail("bytes came back that were not sent");
    close(slot.fd);
    --underWay_;
    if (!window_.count(slot.start, now())) return;
    if (options_.count == 0 || opened_ < static_cast<uint32_t>(options_.count))
      start(index);
    else if (underWay_ == 0)
      window_.finish();
  }

  const Options& options_;
  Pattern pattern_;
  std::vector<Slot> slots_;
  Window window_;
  int epoll_;
  uint32_t opened_ = 0;
  size_t underWay_ = 0;
};

}  // namespace load
