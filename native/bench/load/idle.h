// Idle connections: opens them, echoes one message on each, says so, and holds them until stdin ends. At the end
// each must still be open.
#pragma once

#include "pattern.h"
#include "sockets.h"

namespace load {

inline void idle(const Options& options) {
  size_t size = static_cast<size_t>(options.size);
  Pattern pattern(size);
  std::vector<uint8_t> buffer(size);
  std::vector<int> connections;
  timeval limit{5, 0};
  for (uint32_t i = 0; i < static_cast<uint32_t>(options.connections); ++i) {
    int fd = connectTcp(options, i, true);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    const uint8_t* message = pattern.message(i, 0);
    if (send(fd, message, size, MSG_NOSIGNAL) != static_cast<ssize_t>(size)) fail(errorText("send"));
    ssize_t count = recv(fd, buffer.data(), size, MSG_WAITALL);
    if (count != static_cast<ssize_t>(size)) fail("connection " + std::to_string(i) + ": no complete echo");
    if (std::memcmp(buffer.data(), message, size) != 0) fail("connection " + std::to_string(i) + ": the reply differs");
    connections.push_back(fd);
  }
  std::printf("{\"mode\":\"idle\",\"ready\":%zu}\n", connections.size());
  std::fflush(stdout);

  char sink[256];
  while (read(0, sink, sizeof sink) > 0) {
  }
  for (int fd : connections) {
    if (recv(fd, sink, 1, MSG_DONTWAIT) >= 0 || errno != EAGAIN)
      fail("an idle connection did not stay open and silent");
    close(fd);
  }
}

}  // namespace load
