// What is sent: slices of one random block, at an offset that depends on the connection and on the message, so
// that bytes of another connection, of an older message, or in another order never look right, and nothing has
// to be copied.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

namespace load {

class Pattern {
 public:
  explicit Pattern(size_t size) : bytes_(size + kOffsets) {
    uint64_t state = 0x9e3779b97f4a7c15;  // xorshift64: the same bytes in every run
    for (auto& byte : bytes_) {
      state ^= state << 13;
      state ^= state >> 7;
      state ^= state << 17;
      byte = static_cast<uint8_t>(state);
    }
  }
  const uint8_t* message(uint32_t connection, uint32_t number) const {
    return bytes_.data() + (connection * 127 + number * 61) % kOffsets;
  }

 private:
  static constexpr uint32_t kOffsets = 4096;
  std::vector<uint8_t> bytes_;
};

}  // namespace load
