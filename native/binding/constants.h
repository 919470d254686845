// The numbers of this system's headers, as tables of C name and value. They are read from the
// headers this is compiled with, so TypeScript never has to know that EAGAIN is 11 here and 35
// there.
#pragma once

#include <cstddef>
#include <cstdint>

namespace genloop {

struct Constant {
  const char* name;
  int64_t value;
};

struct ConstantTable {
  const Constant* begin;
  size_t count;
};

template <size_t N>
ConstantTable tableOf(const Constant (&table)[N]) {
  return {table, N};
}

// clang-format off
#define NAMED(name) {#name, static_cast<int64_t>(name)}
// clang-format on

ConstantTable socketConstants();
ConstantTable linkConstants();
ConstantTable descriptorConstants();
ConstantTable terminalConstants();
ConstantTable kqueueConstants();
ConstantTable errorConstants();
ConstantTable lookupConstants();

}  // namespace genloop
