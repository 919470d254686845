// The zero line of the time requests: one UDP socket, epoll, recvfrom and sendto until the queue is empty; with
// --mmsg, recvmmsg and sendmmsg, up to 32 datagrams a call. The text is made once a second.
//
//   time_udp [--port P] [--mmsg]        prints "listening 127.0.0.1:PORT"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace {

constexpr size_t kRequestSize = 2048;
constexpr unsigned kBatch = 32;

[[noreturn]] void die(const char* call) {
  std::perror(call);
  std::exit(1);
}

struct Text {
  char bytes[32];
  size_t size;
};

/// "Sat Nov 21 10:11:12 2026\n"
Text& answer() {
  static time_t second = 0;
  static Text text;
  time_t now = time(nullptr);
  if (now != second) {
    second = now;
    ctime_r(&now, text.bytes);
    text.size = std::strlen(text.bytes);
  }
  return text;
}

void serveOneByOne(int fd) {
  static char request[kRequestSize];
  for (;;) {
    sockaddr_storage peer;
    socklen_t length = sizeof peer;
    ssize_t count = recvfrom(fd, request, sizeof request, 0, reinterpret_cast<sockaddr*>(&peer), &length);
    if (count < 0) return;  // EAGAIN: the queue is empty
    const Text& text = answer();
    sendto(fd, text.bytes, text.size, MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&peer), length);
  }
}

void serveInBatches(int fd) {
  static char requests[kBatch][kRequestSize];
  static sockaddr_storage peers[kBatch];
  static iovec vectors[kBatch];
  static mmsghdr messages[kBatch];
  for (;;) {
    for (unsigned i = 0; i < kBatch; ++i) {
      vectors[i] = {requests[i], kRequestSize};
      messages[i].msg_hdr = {&peers[i], sizeof peers[i], &vectors[i], 1, nullptr, 0, 0};
    }
    int count = recvmmsg(fd, messages, kBatch, 0, nullptr);
    if (count <= 0) return;
    Text& text = answer();
    for (int i = 0; i < count; ++i) vectors[i] = {text.bytes, text.size};
    sendmmsg(fd, messages, static_cast<unsigned>(count), MSG_NOSIGNAL);
    if (static_cast<unsigned>(count) < kBatch) return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  int port = 0;
  bool batches = false;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--mmsg") == 0) batches = true;
    if (std::strcmp(argv[i], "--port") == 0 && i + 1 < argc) port = std::atoi(argv[++i]);
  }
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) die("bind");
  socklen_t length = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  std::printf("listening 127.0.0.1:%d\n", ntohs(address.sin_port));
  std::fflush(stdout);

  int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll");
  for (;;) {
    int count = epoll_wait(epoll, &event, 1, -1);
    if (count < 0 && errno != EINTR) die("epoll_wait");
    if (count == 1) batches ? serveInBatches(fd) : serveOneByOne(fd);
  }
}
