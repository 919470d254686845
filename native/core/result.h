// The one convention of this folder: a call returns a number >= 0, or -errno. Signals interrupt
// calls that do not wait for anything only by accident, so those are retried here; the waits,
// connect and close decide for themselves and use `result`.
#pragma once

#include <cerrno>
#include <cstdint>

namespace genloop {

inline int64_t result(int64_t value) { return value < 0 ? -static_cast<int64_t>(errno) : value; }

template <typename SystemCall>
inline int64_t retried(SystemCall call) {
  for (;;) {
    const int64_t value = call();
    if (value >= 0) return value;
    if (errno != EINTR) return -static_cast<int64_t>(errno);
  }
}

}  // namespace genloop
