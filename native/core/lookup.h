// getaddrinfo(3) off the calling thread. It blocks for as long as a name server likes, so it runs on
// a thread of its own, and its answer comes through a pipe: whoever asked holds the reading end, and
// nothing else. So there is nothing to share, to lock or to wait for: closing the reading end is
// all that it takes to lose interest, and an environment that ends does no more than that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace genloop {

// libuv's numbers, and so Node's. Those of the system would not do: on Linux EAI_NONAME is -2, which is
// ENOENT as well.
constexpr int32_t kEaiAddressFamily = 3000;
constexpr int32_t kEaiAgain = 3001;
constexpr int32_t kEaiBadFlags = 3002;
constexpr int32_t kEaiCanceled = 3003;
constexpr int32_t kEaiFail = 3004;
constexpr int32_t kEaiFamily = 3005;
constexpr int32_t kEaiMemory = 3006;
constexpr int32_t kEaiNoData = 3007;
constexpr int32_t kEaiNoName = 3008;
constexpr int32_t kEaiOverflow = 3009;
constexpr int32_t kEaiService = 3010;
constexpr int32_t kEaiSocketType = 3011;
constexpr int32_t kEaiBadHints = 3013;
constexpr int32_t kEaiProtocol = 3014;

// More are cut off: an answer must fit into an empty pipe at once, and pipes of one page exist.
constexpr size_t kMostAddresses = 128;

// Looks up a name: the reading end of the answer, or -errno. What comes is an int32_t, 0 or the
// negative error; after 0 one record for each address, a slot as long as its address (address.h);
// then the end of the file. `family` is AF_UNSPEC, AF_INET or AF_INET6.
int64_t startLookup(const std::string& host, int family);

// The error of getaddrinfo in the numbers above; that of the system behind EAI_SYSTEM as -errno.
int32_t lookupError(int code, int error);

}  // namespace genloop
