// A descriptor watched by Node's own loop: how a scheduler lives inside Node as a guest.
#pragma once

#include "environment.h"

namespace genloop {

// Stops it and lets go of its callback; libuv gives the memory back later. The caller takes it out
// of the map.
void closeWatch(Watch* watch);

}  // namespace genloop
