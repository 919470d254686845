// Clients that never read: each sends as long as the server takes it, and leaves the echo where it is. Once none of
// them has got anything rid for a while they are stuck; that is said, and they stay so until stdin ends. A server that
// takes more than --bytes from one of them holds no limit, and is left alone then: how much each got rid of is printed.
#pragma once

#include <poll.h>

#include <algorithm>

#include "pattern.h"
#include "window.h"

namespace load {

inline void slow(const Options& options) {
  constexpr size_t kChunk = 16384;
  constexpr int64_t kQuiet = 500000000;  // ns
  Pattern pattern(kChunk);
  struct Client {
    int fd;
    size_t sent;
  };
  std::vector<Client> clients;
  for (uint32_t i = 0; i < static_cast<uint32_t>(options.connections); ++i) {
    // Little room on our side: what is measured is the server's memory, not the kernel's.
    int fd = connectTcp(options, i, true, 4096);
    setNonBlocking(fd);
    clients.push_back({fd, 0});
  }
  int64_t progressed = now();
  while (now() - progressed < kQuiet) {
    for (auto& client : clients) {
      if (client.sent >= static_cast<size_t>(options.bytes)) continue;
      ssize_t count = send(client.fd, pattern.message(0, 0), kChunk, MSG_NOSIGNAL);
      if (count < 0 && errno != EAGAIN) fail("lost a connection: " + errorText("send"));
      if (count <= 0) continue;
      client.sent += static_cast<size_t>(count);
      progressed = now();
    }
    poll(nullptr, 0, 1);
  }
  size_t total = 0, most = 0;
  for (const auto& client : clients) {
    total += client.sent;
    most = std::max(most, client.sent);
  }
  std::printf("{\"mode\":\"slow\",\"ready\":%zu,\"sent\":%.1f,\"most\":%zu}\n", clients.size(),
              static_cast<double>(total) / static_cast<double>(clients.size()), most);
  std::fflush(stdout);

  char sink[256];
  while (read(0, sink, sizeof sink) > 0) {
  }
  for (const auto& client : clients) {
    // Still there: whoever never reads is slow, and not gone.
    pollfd entry{client.fd, 0, 0};
    if (poll(&entry, 1, 0) != 0) fail("the server gave up a client that does not read");
    close(client.fd);
  }
}

}  // namespace load
