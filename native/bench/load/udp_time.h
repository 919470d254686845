// Time requests: every client has one request under way on a socket of its own. A reply must be a line of text
// that names this year and a time of day.
#pragma once

#include <cctype>
#include <vector>

#include "window.h"

namespace load {

class UdpTime {
 public:
  explicit UdpTime(const Options& options)
      : options_(options),
        clients_(static_cast<size_t>(options.connections)),
        window_("udp-time", options),
        epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    time_t seconds = time(nullptr);
    tm date{};
    localtime_r(&seconds, &date);
    year_ = date.tm_year + 1900;
  }

  void run() {
    sockaddr_in target = addressOf(options_.host, options_.port);
    for (uint32_t i = 0; i < clients_.size(); ++i) {
      clients_[i].fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      if (clients_[i].fd < 0) fail(errorText("socket"));
      if (connect(clients_[i].fd, reinterpret_cast<sockaddr*>(&target), sizeof target) < 0) fail(errorText("connect"));
      control(epoll_, EPOLL_CTL_ADD, clients_[i].fd, EPOLLIN, i);
    }
    window_.begin();
    for (auto& client : clients_) request(client);
    epoll_event events[512];
    int64_t nextCheck = now() + kRetryAfter;
    while (!window_.closed()) {
      int count = epoll_wait(epoll_, events, 512, 50);
      if (count < 0 && errno != EINTR) fail(errorText("epoll_wait"));
      for (int i = 0; i < count && !window_.closed(); ++i) receive(clients_[events[i].data.u32]);
      if (int64_t time = now(); time >= nextCheck) {
        nextCheck = time + kRetryAfter / 4;
        for (auto& client : clients_) {
          if (time - client.sentAt < kRetryAfter) continue;
          if (++client.retries > kGiveUp) fail("no reply after " + std::to_string(kGiveUp) + " retries");
          ++retried_;
          request(client, false);
        }
      }
    }
    for (auto& client : clients_) close(client.fd);
    window_.print(",\"retried\":" + std::to_string(retried_));
  }

 private:
  static constexpr int64_t kRetryAfter = 200000000;  // ns
  static constexpr int kGiveUp = 20;

  struct Client {
    int fd = -1;
    int64_t start = 0;   // of the first try: a lost datagram counts with its whole delay
    int64_t sentAt = 0;  // of the last
    int retries = 0;
  };

  void request(Client& client, bool first = true) {
    static const char kRequest[] = "what time is it?\n";
    client.sentAt = now();
    if (first) {
      client.start = client.sentAt;
      client.retries = 0;
    }
    if (send(client.fd, kRequest, sizeof kRequest - 1, MSG_NOSIGNAL) < 0 && errno != EAGAIN) fail(errorText("send"));
  }

  void receive(Client& client) {
    char text[512];
    ssize_t count = recv(client.fd, text, sizeof text, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count < 0) fail(errorText("recv"));
    verify(text, static_cast<size_t>(count));
    if (window_.count(client.start, now())) request(client);
  }

  /// "Sat Nov 21 2026 10:11:12 GMT+0100 (…)\n", "Sat Nov 21 10:11:12 2026\n", "2026-11-21T10:11:12.000Z\n", …
  void verify(const char* text, size_t length) const {
    bool year = false, clock = false, printable = length > 0;
    for (size_t i = 0; i < length; ++i) {
      if (!std::isprint(static_cast<unsigned char>(text[i])) && !(text[i] == '\n' && i + 1 == length))
        printable = false;
      if (!std::isdigit(static_cast<unsigned char>(text[i]))) continue;
      size_t left = length - i;
      if (left >= 4 && std::abs(std::atoi(std::string(text + i, 4).c_str()) - year_) <= 1) year = true;
      if (left >= 8 && digits(text + i) && text[i + 2] == ':' && digits(text + i + 3) && text[i + 5] == ':' &&
          digits(text + i + 6))
        clock = true;
    }
    if (!(year && clock && printable))
      fail("a reply is not a line with the date and the time: '" + std::string(text, length) + "'");
  }
  static bool digits(const char* two) {
    return std::isdigit(static_cast<unsigned char>(two[0])) && std::isdigit(static_cast<unsigned char>(two[1]));
  }

  const Options& options_;
  std::vector<Client> clients_;
  Window window_;
  int epoll_;
  int year_ = 0;
  int64_t retried_ = 0;
};

}  // namespace load
