// The signal pipe: the one thing here that belongs to the process and not to a thread, because
// signal dispositions do. A handler may do next to nothing, so it writes the signal's number into a
// pipe whose other end can be waited for like any descriptor. One owner at a time.
#pragma once

#include <cstdint>

namespace genloop {

// The pipe's reading end; -EBUSY if somebody else owns the pipe.
int64_t openSignal(int signal, const void* owner);
// 0; -EINVAL if this owner did not take the signal. With its last signal the pipe is closed.
int64_t closeSignal(int signal, const void* owner);
// Whatever this owner still holds.
void closeSignals(const void* owner);
// To the process as a whole.
int64_t raiseSignal(int signal);

}  // namespace genloop
