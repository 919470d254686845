// Names that are looked up by threads of the core's own.

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>
#include <vector>

#include "../core/address.h"
#include "../core/descriptors.h"
#include "../core/lookup.h"
#include "check.h"

using namespace genloop;

namespace {

// What comes through a descriptor until its end.
std::vector<uint8_t> everythingFrom(int fd) {
  std::vector<uint8_t> all;
  uint8_t part[256];
  for (;;) {
    struct pollfd look {};
    look.fd = fd;
    look.events = POLLIN;
    ::poll(&look, 1, -1);
    const int64_t length = readBytes(fd, part, sizeof(part));
    if (length <= 0 && length != -EAGAIN) return all;
    if (length > 0) all.insert(all.end(), part, part + length);
  }
}

int32_t statusOf(const std::vector<uint8_t>& answer) {
  int32_t status = 1;
  if (answer.size() >= sizeof(status)) std::memcpy(&status, answer.data(), sizeof(status));
  return status;
}

// Numeric names only: no test may depend on what the machine calls itself, or ask a name server.
void namesAreLookedUpOffTheThread() {
  int fds[40];
  for (int& fd : fds) fd = static_cast<int>(startLookup("127.0.0.1", AF_UNSPEC));
  for (const int fd : fds) {
    CHECK(fd >= 0 && (::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0 && (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    const std::vector<uint8_t> answer = everythingFrom(fd);
    CHECK(statusOf(answer) == 0 && answer.size() == sizeof(int32_t) + kSlotHeader + sizeof(sockaddr_in));
    uint8_t slot[kSlotSize] = {};
    std::memcpy(slot, answer.data() + sizeof(int32_t), answer.size() - sizeof(int32_t));
    CHECK(isAddress(slot, "IPv4", "127.0.0.1", 0, 0));
    ::close(fd);
  }
  const int wrong = static_cast<int>(startLookup("::1", AF_INET));
  CHECK(statusOf(everythingFrom(wrong)) < 0);
  ::close(wrong);
}

// The threads go on with what is closed under their hands, and the next question is answered.
void answersThatNobodyReadsAreThrownAway() {
  for (int round = 0; round < 200; round++) ::close(static_cast<int>(startLookup("127.0.0.1", AF_INET)));
  std::vector<std::thread> askers;
  std::atomic<int> answered{0};
  for (int asker = 0; asker < 4; asker++) {
    askers.emplace_back([&answered] {
      for (int round = 0; round < 25; round++) {
        const int fd = static_cast<int>(startLookup("127.0.0.1", AF_INET));
        if (round % 2 == 0 && statusOf(everythingFrom(fd)) == 0) answered++;
        ::close(fd);
      }
    });
  }
  for (std::thread& asker : askers) asker.join();
  CHECK(answered == 4 * 13);
}

void errorsOfTheResolverAreNoErrnos() {
  CHECK(lookupError(EAI_NONAME, 0) == -kEaiNoName);
  CHECK(lookupError(EAI_AGAIN, 0) == -kEaiAgain);
  CHECK(lookupError(EAI_FAIL, 0) == -kEaiFail);
  CHECK(lookupError(EAI_MEMORY, 0) == -kEaiMemory);
  CHECK(lookupError(EAI_SYSTEM, EMFILE) == -EMFILE);
  CHECK(lookupError(EAI_SYSTEM, 0) == -kEaiFail);
  CHECK(lookupError(987654, 0) == -kEaiFail);
}

}  // namespace

void testLookup() {
  namesAreLookedUpOffTheThread();
  answersThatNobodyReadsAreThrownAway();
  errorsOfTheResolverAreNoErrnos();
}
