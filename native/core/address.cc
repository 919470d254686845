// Packing and unpacking by hand, since getaddrinfo may ask a server even for a number, and since
// Unix addresses have three forms (a path, an abstract name, none) that only their length tells
// apart. A slot starts at an odd place in somebody's buffer, so a sockaddr is copied in and out,
// never used in place.

#include "address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace genloop {

namespace {

constexpr size_t kPathStart = offsetof(sockaddr_un, sun_path);
constexpr size_t kPathRoom = sizeof(sockaddr_un::sun_path);

template <typename Address>
void store(uint8_t* slot, Address& address, size_t length) {
#if defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__)
  reinterpret_cast<sockaddr*>(&address)->sa_len = static_cast<uint8_t>(length);
#endif
  std::memcpy(slot + kSlotHeader, &address, length);
  fillSlot(slot, static_cast<socklen_t>(length), false);
}

// Digits are an index; the kernel says at bind or connect whether it has such an interface.
int64_t parseScope(std::string_view text, uint32_t* scope) {
  if (text.empty() || text.find('\0') != std::string_view::npos) return -EINVAL;
  uint64_t index = 0;
  bool digits = true;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') {
      digits = false;
      break;
    }
    index = index * 10 + static_cast<uint64_t>(digit - '0');
    if (index > UINT32_MAX) return -EINVAL;
  }
  if (!digits) {
    if (text.size() >= IF_NAMESIZE) return -ENODEV;
    index = if_nametoindex(std::string(text).c_str());
    if (index == 0) return -ENODEV;
  }
  *scope = static_cast<uint32_t>(index);
  return 0;
}

DecodedAddress decodeIPv4(const uint8_t* bytes) {
  sockaddr_in address;
  std::memcpy(&address, bytes, sizeof(address));
  char text[INET_ADDRSTRLEN] = "";
  inet_ntop(AF_INET, &address.sin_addr, text, sizeof(text));
  return {"IPv4", text, ntohs(address.sin_port), 0};
}

DecodedAddress decodeIPv6(const uint8_t* bytes) {
  sockaddr_in6 address;
  std::memcpy(&address, bytes, sizeof(address));
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(AF_INET6, &address.sin6_addr, text, sizeof(text));
  return {"IPv6", text, ntohs(address.sin6_port), address.sin6_scope_id};
}

DecodedAddress decodeUnix(const uint8_t* bytes, size_t length) {
  std::string path(reinterpret_cast<const char*>(bytes) + kPathStart, length - kPathStart);
  // An abstract name is all of its bytes; a path ends at its NUL, which the length may or may not
  // count.
  if (path.empty() || path[0] != '\0') {
    path.resize(std::min(path.find('\0'), path.size()));
#if !defined(__linux__)
  } else {
    path.clear();  // BSD pads an unnamed address with NULs
#endif
  }
  return {"unix", path, 0, 0};
}

DecodedAddress decodeRaw(const uint8_t* bytes, size_t length) {
  static const char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(length * 2);
  for (size_t at = 0; at < length; at++) {
    text += kDigits[bytes[at] >> 4];
    text += kDigits[bytes[at] & 15];
  }
  return {"raw", text, 0, 0};
}

}  // namespace

int64_t packAddress(uint8_t* slot, std::string_view host, uint16_t port, uint32_t scope) {
  if (host.find('\0') != std::string_view::npos) return -EINVAL;
  sockaddr_in v4{};
  if (inet_pton(AF_INET, std::string(host).c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    store(slot, v4, sizeof(v4));
    return 0;
  }
  const size_t percent = host.find('%');
  sockaddr_in6 v6{};
  const std::string digits(host.substr(0, percent));
  if (inet_pton(AF_INET6, digits.c_str(), &v6.sin6_addr) != 1) return -EINVAL;
  if (percent != std::string_view::npos) {
    const int64_t status = parseScope(host.substr(percent + 1), &scope);
    if (status < 0) return status;
  }
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  v6.sin6_scope_id = scope;
  store(slot, v6, sizeof(v6));
  return 0;
}

int64_t packPath(uint8_t* slot, std::string_view path) {
  if (path.empty()) return -EINVAL;
  const bool abstract = path[0] == '\0';
#if !defined(__linux__)
  if (abstract) return -EINVAL;
#endif
  if (!abstract && path.find('\0') != std::string_view::npos) return -EINVAL;
  // A path keeps its terminating NUL: the kernel would take one byte more, but getsockname could
  // not give it back to programs that expect C strings.
  const size_t terminator = abstract ? 0 : 1;
  if (path.size() + terminator > kPathRoom) return -ENAMETOOLONG;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  store(slot, address, kPathStart + path.size() + terminator);
  return 0;
}

DecodedAddress unpackAddress(const uint8_t* slot, size_t size) {
  const size_t length = std::min<size_t>(slot[0], size);
  const uint8_t* bytes = slot + kSlotHeader;
  if (length < kSmallestAddress) return decodeRaw(bytes, length);
  sockaddr head{};
  std::memcpy(&head, bytes, kSmallestAddress);
  if (head.sa_family == AF_INET && length >= sizeof(sockaddr_in)) return decodeIPv4(bytes);
  if (head.sa_family == AF_INET6 && length >= sizeof(sockaddr_in6)) return decodeIPv6(bytes);
  if (head.sa_family == AF_UNIX) return decodeUnix(bytes, length);
  return decodeRaw(bytes, length);
}

}  // namespace genloop
