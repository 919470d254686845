// A few threads for the whole process, made when there is something to look up, and gone when there is
// nothing left. They are detached, as nobody could wait for a name server at the end of a thread or of
// the process. For the same reason what they touch is never destroyed, and the library that they run
// in stays loaded: Node unloads an addon when the last worker that uses it ends.

#include "lookup.h"

#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>
#include <mutex>
#include <vector>

#include "address.h"
#include "creation.h"
#include "result.h"

namespace genloop {

namespace {

// One that waits for a dead name server waits for half a minute; as many as that may be stuck before
// a name that is known has to wait as well.
constexpr int kMostThreads = 8;

struct Request {
  std::string host;
  int family;
  int answer;  // the writing end; the request's own
};

struct Pool {
  std::mutex mutex;
  std::deque<Request*> waiting;
  int threads = 0;
};

// Never destroyed: the threads may run on while the process exits.
Pool& pool() {
  static Pool* const only = new Pool;
  return *only;
}

// One reference more to the library that this function is in, for good.
void stayLoaded() {
  static const bool stays = [] {
    Dl_info info{};
    return ::dladdr(reinterpret_cast<void*>(&startLookup), &info) != 0 &&
           ::dlopen(info.dli_fname, RTLD_LAZY | RTLD_LOCAL) != nullptr;
  }();
  static_cast<void>(stays);
}

// Whether nobody would read the answer.
bool isAbandoned(int answer) {
  struct pollfd look {};
  look.fd = answer;
  look.events = 0;
  return ::poll(&look, 1, 0) > 0 && (look.revents & (POLLERR | POLLHUP)) != 0;
}

void append(std::vector<uint8_t>& bytes, const void* data, size_t length) {
  const uint8_t* begin = static_cast<const uint8_t*>(data);
  bytes.insert(bytes.end(), begin, begin + length);
}

std::vector<uint8_t> lookUp(const Request& request) {
  addrinfo hints{};
  hints.ai_family = request.family;
  // Otherwise each address comes once for every type of socket.
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(request.host.c_str(), nullptr, &hints, &found);
  const int32_t status = code == 0 ? 0 : lookupError(code, errno);
  std::vector<uint8_t> bytes;
  append(bytes, &status, sizeof(status));
  if (code != 0) return bytes;
  size_t count = 0;
  for (const addrinfo* one = found; one != nullptr && count < kMostAddresses; one = one->ai_next) {
    if (one->ai_family != AF_INET && one->ai_family != AF_INET6) continue;
    if (one->ai_addrlen > kSlotAddress) continue;
    const uint8_t header[kSlotHeader] = {static_cast<uint8_t>(one->ai_addrlen), 0};
    append(bytes, header, sizeof(header));
    append(bytes, one->ai_addr, one->ai_addrlen);
    count++;
  }
  ::freeaddrinfo(found);
  return bytes;
}

void serve(Request* request) {
  if (!isAbandoned(request->answer)) {
    const std::vector<uint8_t> bytes = lookUp(*request);
    // It fits, as the pipe is empty. If nobody reads any more, the error says what is known anyway: the
    // signal that comes with it is blocked in this thread.
    retried([&] { return ::write(request->answer, bytes.data(), bytes.size()); });
  }
  ::close(request->answer);
  delete request;
}

void* work(void*) {
  Pool& all = pool();
  for (;;) {
    Request* request;
    {
      const std::lock_guard<std::mutex> lock(all.mutex);
      if (all.waiting.empty()) {
        all.threads--;
        return nullptr;
      }
      request = all.waiting.front();
      all.waiting.pop_front();
    }
    serve(request);
  }
}

// 0, or the error number.
int startThread() {
  pthread_attr_t attributes;
  const int refused = ::pthread_attr_init(&attributes);
  if (refused != 0) return refused;
  ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  // A thread inherits what is blocked: signals are for the threads that know of them.
  sigset_t every;
  sigset_t before;
  ::sigfillset(&every);
  ::pthread_sigmask(SIG_SETMASK, &every, &before);
  pthread_t thread;
  const int error = ::pthread_create(&thread, &attributes, work, nullptr);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::pthread_attr_destroy(&attributes);
  return error;
}

// 0, or -errno with nothing queued.
int64_t enqueue(Request* request) {
  Pool& all = pool();
  const std::lock_guard<std::mutex> lock(all.mutex);
  if (all.threads < kMostThreads) {
    const int error = startThread();
    if (error == 0) {
      all.threads++;
    } else if (all.threads == 0) {
      return -int64_t{error};
    }
  }
  all.waiting.push_back(request);
  return 0;
}

}  // namespace

int32_t lookupError(int code, int error) {
  switch (code) {
#if defined(EAI_ADDRFAMILY)
    case EAI_ADDRFAMILY:
      return -kEaiAddressFamily;
#endif
    case EAI_AGAIN:
      return -kEaiAgain;
    case EAI_BADFLAGS:
      return -kEaiBadFlags;
#if defined(EAI_CANCELED)
    case EAI_CANCELED:
      return -kEaiCanceled;
#endif
    case EAI_FAIL:
      return -kEaiFail;
    case EAI_FAMILY:
      return -kEaiFamily;
    case EAI_MEMORY:
      return -kEaiMemory;
#if defined(EAI_NODATA) && EAI_NODATA != EAI_NONAME
    case EAI_NODATA:
      return -kEaiNoData;
#endif
    case EAI_NONAME:
      return -kEaiNoName;
#if defined(EAI_OVERFLOW)
    case EAI_OVERFLOW:
      return -kEaiOverflow;
#endif
    case EAI_SERVICE:
      return -kEaiService;
    case EAI_SOCKTYPE:
      return -kEaiSocketType;
#if defined(EAI_BADHINTS)
    case EAI_BADHINTS:
      return -kEaiBadHints;
#endif
#if defined(EAI_PROTOCOL)
    case EAI_PROTOCOL:
      return -kEaiProtocol;
#endif
    case EAI_SYSTEM:
      return error > 0 ? -error : -kEaiFail;
    default:
      return -kEaiFail;
  }
}

int64_t startLookup(const std::string& host, int family) {
  stayLoaded();
  int pair[2];
  const int64_t status = openPipe(pair);
  if (status < 0) return status;
  Request* request = new Request{host, family, pair[1]};
  const int64_t queued = enqueue(request);
  if (queued == 0) return pair[0];
  ::close(pair[0]);
  ::close(pair[1]);
  delete request;
  return queued;
}

}  // namespace genloop
