// Socket addresses in the kernel's own layout, kept in a slot of bytes: the length of the sockaddr,
// a flag for a truncated datagram, then the sockaddr. One slot serves a socket for its whole life,
// so receiving a datagram allocates nothing; text is made only when somebody asks for it.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace genloop {

constexpr size_t kSlotHeader = 2;
constexpr size_t kSlotAddress = sizeof(sockaddr_storage);
constexpr size_t kSlotSize = kSlotHeader + kSlotAddress;
constexpr size_t kSmallestAddress = offsetof(sockaddr, sa_data);

static_assert(kSlotSize == 130, "ADDRESS_SLOT_SIZE of the contract");

struct DecodedAddress {
  const char* family;
  std::string address;
  uint16_t port;
  uint32_t scope;
};

inline sockaddr* slotAddress(uint8_t* slot) { return reinterpret_cast<sockaddr*>(slot + kSlotHeader); }

// What a call that fills in an address gave; a kernel may report more than it had room for.
inline void fillSlot(uint8_t* slot, socklen_t length, bool truncated) {
  slot[0] = static_cast<uint8_t>(length < kSlotAddress ? length : kSlotAddress);
  slot[1] = truncated ? 1 : 0;
}

// 0, -EINVAL (no numeric address) or -ENODEV (the named scope is no interface). A scope in the text
// wins.
int64_t packAddress(uint8_t* slot, std::string_view host, uint16_t port, uint32_t scope);

// 0, -EINVAL or -ENAMETOOLONG.
int64_t packPath(uint8_t* slot, std::string_view path);

// `size` is the number of bytes that really follow the header; the length in the slot is capped to
// it.
DecodedAddress unpackAddress(const uint8_t* slot, size_t size);

}  // namespace genloop
