// What the files of the core's test share. A check prints only when it fails.
#pragma once

#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>

#include "../core/address.h"

inline int passed = 0;
inline int failed = 0;

inline void check(bool condition, const char* text, const char* file, int line) {
  if (condition) {
    passed++;
    return;
  }
  failed++;
  std::printf("%s:%d: %s\n", file, line, text);
}

#define CHECK(condition) check((condition), #condition, __FILE__, __LINE__)

constexpr double kForever = std::numeric_limits<double>::infinity();

inline bool isAddress(const uint8_t* slot, const char* family, const std::string& address, int port, uint32_t scope) {
  const genloop::DecodedAddress decoded = genloop::unpackAddress(slot, genloop::kSlotAddress);
  return std::string(decoded.family) == family && decoded.address == address && decoded.port == port &&
         decoded.scope == scope;
}

// One for each file; core_test.cc has the main function.
void testSockets();
void testSignals();
void testLookup();
