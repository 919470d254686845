// The zero line: a TCP echo server as one writes it by hand over epoll. One thread, non-blocking, level-triggered;
// recv, then send at once; EPOLLOUT only while a send would block, and then no reading either.
//
//   echo_epoll [--port P] [--burn MS]        prints "listening 127.0.0.1:PORT"
//
// --burn works that long for every message that asks for it with its first byte.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <vector>

namespace {

constexpr size_t kBufferSize = 65536;
char buffer[kBufferSize];
int epoll;
double burning = 0;  // ms

struct Client {
  int fd;
  std::vector<char> unsent;  // what a send would not take; empty while all goes well
};

[[noreturn]] void die(const char* call) {
  std::perror(call);
  std::exit(1);
}

void watch(int operation, int fd, uint32_t events, void* datum) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = datum;
  if (epoll_ctl(epoll, operation, fd, &event) < 0) die("epoll_ctl");
}

void end(Client* client) {
  close(client->fd);  // leaves the epoll set with it
  delete client;
}

void acceptAll(int listener) {
  for (;;) {
    int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EAGAIN) return;
      if (errno == EINTR || errno == ECONNABORTED) continue;
      die("accept4");
    }
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    watch(EPOLL_CTL_ADD, fd, EPOLLIN, new Client{fd, {}});
  }
}

double milliseconds() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

void burn() {
  for (double end = milliseconds() + burning; milliseconds() < end;) {
  }
}

void readable(Client* client) {
  ssize_t count = recv(client->fd, buffer, kBufferSize, 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) return end(client);
  if (burning > 0 && buffer[0] == 1) burn();
  ssize_t sent = send(client->fd, buffer, static_cast<size_t>(count), MSG_NOSIGNAL);
  if (sent < 0) {
    if (errno != EAGAIN) return end(client);
    sent = 0;
  }
  if (sent < count) {
    client->unsent.assign(buffer + sent, buffer + count);
    watch(EPOLL_CTL_MOD, client->fd, EPOLLOUT, client);
  }
}

void writable(Client* client) {
  ssize_t sent = send(client->fd, client->unsent.data(), client->unsent.size(), MSG_NOSIGNAL);
  if (sent < 0) {
    if (errno != EAGAIN) end(client);
    return;
  }
  client->unsent.erase(client->unsent.begin(), client->unsent.begin() + sent);
  if (client->unsent.empty()) watch(EPOLL_CTL_MOD, client->fd, EPOLLIN, client);
}

}  // namespace

int main(int argc, char** argv) {
  int port = 0;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--port") == 0) port = std::atoi(argv[i + 1]);
    if (std::strcmp(argv[i], "--burn") == 0) burning = std::atof(argv[i + 1]);
  }
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);

  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) die("socket");
  int one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) die("bind");
  if (listen(listener, SOMAXCONN) < 0) die("listen");
  socklen_t length = sizeof address;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
  std::printf("listening 127.0.0.1:%d\n", ntohs(address.sin_port));
  std::fflush(stdout);

  epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) die("epoll_create1");
  watch(EPOLL_CTL_ADD, listener, EPOLLIN, nullptr);
  epoll_event events[256];
  for (;;) {
    int count = epoll_wait(epoll, events, 256, -1);
    if (count < 0 && errno != EINTR) die("epoll_wait");
    for (int i = 0; i < count; ++i) {
      auto* client = static_cast<Client*>(events[i].data.ptr);
      if (client == nullptr)
        acceptAll(listener);
      else if (!client->unsent.empty())
        writable(client);
      else
        readable(client);
    }
  }
}
