// What belongs to one Node environment, that is one thread: the descriptor numbers it opened, its
// watches on Node's loop, and what it learned about the kernel. Nothing of this is shared, so that
// the addon works in workers without a lock.
#pragma once

#include <node_api.h>

#include <cstdint>
#include <map>
#include <vector>

#include "../core/kqueue.h"

namespace genloop {

struct Watch;

// One bit per descriptor number: a set that needs no memory per call, however numbers come and go.
class OpenNumbers {
 public:
  void add(int fd);
  void remove(int fd);
  void closeAll();

 private:
  std::vector<uint64_t> words_;
};

class Environment {
 public:
  // Lives until Node has torn the environment down; null if Node refuses.
  static Environment* create(napi_env env);

  explicit Environment(napi_env node) : env(node) {}
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  // A watch's memory was freed. At the end, the last one lets the descriptors go.
  void watchClosed();

  const napi_env env;
  OpenNumbers open;
  bool coarseEpoll = false;  // no epoll_pwait2 here
  KeventRoom keventRoom;

  std::map<int32_t, Watch*> watches;
  int32_t lastWatch = 0;
  uint32_t unclosedWatches = 0;  // their memory is still with libuv

 private:
  static void onEnd(napi_async_cleanup_hook_handle hook, void* data);
  void finish();

  napi_async_cleanup_hook_handle ending_ = nullptr;
};

}  // namespace genloop
