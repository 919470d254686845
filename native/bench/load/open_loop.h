// Echo, open loop: messages are due at a constant rate, whatever the server does, and latency counts from the moment a
// message was due. A server that stands still for 10 ms thus delays all that fall due meanwhile, and they count: a
// closed loop would just have sent fewer ("coordinated omission").
//
// Message k is due at k / rate, on connection k modulo connections; a connection has one under way, the others wait
// their turn with their clocks running. With --rate 0 every connection always has one due: the most that the server
// can do. Some messages (--marked, a share) say with their first byte, 1 instead of 0, that they are more work.
//
// The program spins, as a timer would be late by more than what is measured. What it cannot keep up with itself is
// printed as lag: from the moment due to the send, where the connection was free.
#pragma once

#include <algorithm>

#include "pattern.h"
#include "window.h"

namespace load {

class OpenLoop {
 public:
  explicit OpenLoop(const Options& options)
      : options_(options),
        size_(static_cast<size_t>(options.size)),
        pattern_(size_),
        buffer_(size_ + 1),
        connections_(static_cast<size_t>(options.connections)),
        window_("open-loop", options),
        epoll_(epoll_create1(EPOLL_CLOEXEC)),
        interval_(options.rate > 0 ? 1e9 / options.rate : 0) {}

  void run() {
    for (uint32_t i = 0; i < connections_.size(); ++i) {
      connections_[i].fd = connectTcp(options_, i, true);
      connections_[i].message.resize(size_);
      setNonBlocking(connections_[i].fd);
      control(epoll_, EPOLL_CTL_ADD, connections_[i].fd, EPOLLIN, i);
    }
    start_ = now();
    window_.begin();
    epoll_event events[64];
    int64_t time = start_;
    if (interval_ == 0)
      for (uint32_t i = 0; i < connections_.size(); ++i) send(i, time);
    // Afterwards all that is due is waited for, but not for ever: a server that has fallen behind may be so by minutes.
    int64_t lastReply = time;
    while (window_.tick(time) || (answered_ < due_ && time < window_.closesAt() + kDrain && interval_ > 0)) {
      if (interval_ > 0 && !window_.closed()) release(time);
      int count = epoll_wait(epoll_, events, 64, 0);
      if (count < 0 && errno != EINTR) fail(errorText("epoll_wait"));
      for (int i = 0; i < count; ++i) receive(events[i].data.u32);
      time = now();
      if (count > 0 || answered_ == due_) lastReply = time;
      if (time - lastReply > kSilence) fail("no reply for 5 s");
    }
    finish(time);
    for (auto& connection : connections_) close(connection.fd);
  }

 private:
  static constexpr int64_t kDrain = 1000000000;  // ns
  static constexpr int64_t kSilence = 5000000000;

  struct Connection {
    int fd = -1;
    uint32_t answered = 0;
    uint32_t due = 0;  // how many have ever been due
    bool underWay = false;
    size_t received = 0;
    int64_t sentAt = 0;
    std::vector<uint8_t> message;
  };

  /// When the next message of a connection is due: the `number`th of connection `index`.
  int64_t dueAt(uint32_t index, uint32_t number) const {
    double place = static_cast<double>(index) + static_cast<double>(number) * static_cast<double>(connections_.size());
    return start_ + static_cast<int64_t>(place * interval_);
  }

  bool isMarked(uint32_t index, uint32_t number) const {
    // Scattered, and the same in every run.
    uint64_t mixed = (uint64_t{index} << 32 | number) * 0x9e3779b97f4a7c15;
    return static_cast<double>((mixed ^ mixed >> 29) >> 11 & 0xfffff) < options_.marked * 0x100000;
  }

  /// Sends what has become due.
  void release(int64_t time) {
    while (nextDueAt_ <= time || due_ == 0) {
      uint32_t index = static_cast<uint32_t>(due_ % connections_.size());
      Connection& connection = connections_[index];
      ++connection.due;
      ++due_;
      if (!connection.underWay) {
        int64_t sent = send(index, now());
        if (window_.covers(sent)) lag_.add(sent - nextOf(index));
      }
      nextDueAt_ = start_ + static_cast<int64_t>(static_cast<double>(due_) * interval_);
    }
  }

  int64_t nextOf(uint32_t index) const { return dueAt(index, connections_[index].answered); }

  int64_t send(uint32_t index, int64_t time) {
    Connection& connection = connections_[index];
    uint32_t number = connection.answered;
    std::memcpy(connection.message.data(), pattern_.message(index, number), size_);
    connection.message[0] = isMarked(index, number) ? 1 : 0;
    connection.underWay = true;
    connection.received = 0;
    connection.sentAt = time;
    // One small message at a time always fits; a size that does not is for the closed loop.
    ssize_t count = ::send(connection.fd, connection.message.data(), size_, MSG_NOSIGNAL);
    if (count < 0) fail("lost connection " + std::to_string(index) + ": " + errorText("send"));
    if (static_cast<size_t>(count) != size_) fail("--size is too large for the open loop: it did not fit at once");
    return time;
  }

  void receive(uint32_t index) {
    Connection& connection = connections_[index];
    size_t missing = connection.underWay ? size_ - connection.received : 0;
    ssize_t count = recv(connection.fd, buffer_.data(), missing + 1, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count < 0) fail("lost connection " + std::to_string(index) + ": " + errorText("recv"));
    if (count == 0) fail("lost connection " + std::to_string(index) + ": the server closed it");
    if (static_cast<size_t>(count) > missing)
      fail("connection " + std::to_string(index) + ": more bytes came back than were sent");
    if (std::memcmp(buffer_.data(), connection.message.data() + connection.received, static_cast<size_t>(count)) != 0)
      fail("connection " + std::to_string(index) + ": the reply differs");
    connection.received += static_cast<size_t>(count);
    if (connection.received < size_) return;
    int64_t time = now();
    int64_t since = interval_ > 0 ? nextOf(index) : connection.sentAt;
    if (window_.covers(since)) window_.add(time - since);
    if (!window_.closed() && window_.covers(time)) window_.ended();
    ++connection.answered;
    ++answered_;
    connection.underWay = false;
    bool more = interval_ > 0 ? connection.answered < connection.due : !window_.closed();
    if (more) send(index, time);
  }

  /// What was not answered counts with its age: as if it came now.
  void finish(int64_t time) {
    int64_t unanswered = 0;
    for (uint32_t i = 0; i < connections_.size() && interval_ > 0; ++i) {
      for (uint32_t number = connections_[i].answered; number < connections_[i].due; ++number) {
        if (!window_.covers(dueAt(i, number))) continue;
        window_.add(time - dueAt(i, number));
        ++unanswered;
      }
    }
    char extra[256];
    std::snprintf(extra, sizeof extra, ",\"offered\":%.1f,\"unanswered\":%lld,\"lag_us\":{\"p50\":%.2f,\"p99\":%.2f}",
                  options_.rate, static_cast<long long>(unanswered), static_cast<double>(lag_.percentile(0.5)) / 1e3,
                  static_cast<double>(lag_.percentile(0.99)) / 1e3);
    window_.print(extra);
  }

  const Options& options_;
  size_t size_;
  Pattern pattern_;
  std::vector<uint8_t> buffer_;
  std::vector<Connection> connections_;
  Window window_;
  Histogram lag_;
  int epoll_;
  double interval_;  // ns
  int64_t start_ = 0, nextDueAt_ = 0;
  uint64_t due_ = 0, answered_ = 0;
};

}  // namespace load
