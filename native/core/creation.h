// Whatever opens a descriptor opens it non-blocking and close-on-exec, in one step where the system
// can: between two steps another thread may fork, and the child would inherit the descriptor.
#pragma once

#include <sys/socket.h>

#include <cstdint>

namespace genloop {

int64_t openSocket(int family, int type, int protocol);
int64_t openSocketpair(int family, int type, int protocol, int pair[2]);
int64_t openPipe(int pair[2]);
// The peer's address goes into the slot.
int64_t acceptSocket(int fd, uint8_t* slot);

}  // namespace genloop
