// An environment ends in an order that matters: libuv still polls the watched descriptors, so first
// the watches are closed, then, when libuv has let go of the last of them, the descriptors. That
// takes a turn of the loop, hence the asynchronous hook: with a synchronous one worker.terminate()
// aborts the process.

#include "environment.h"

#include "../core/descriptors.h"
#include "../core/signals.h"
#include "watch.h"

namespace genloop {

namespace {

constexpr size_t kBits = 64;

}  // namespace

void OpenNumbers::add(int fd) {
  const size_t word = static_cast<size_t>(fd) / kBits;
  if (word >= words_.size()) words_.resize(word + 1);
  words_[word] |= uint64_t{1} << (static_cast<size_t>(fd) % kBits);
}

void OpenNumbers::remove(int fd) {
  const size_t word = static_cast<size_t>(fd) / kBits;
  if (word < words_.size()) words_[word] &= ~(uint64_t{1} << (static_cast<size_t>(fd) % kBits));
}

void OpenNumbers::closeAll() {
  for (size_t word = 0; word < words_.size(); word++) {
    for (size_t bit = 0; words_[word] != 0; bit++) {
      const uint64_t mask = uint64_t{1} << bit;
      if ((words_[word] & mask) == 0) continue;
      words_[word] &= ~mask;
      closeDescriptor(static_cast<int>(word * kBits + bit));
    }
  }
}

Environment* Environment::create(napi_env env) {
  Environment* environment = new Environment(env);
  const auto destroy = [](napi_env, void* data, void*) { delete static_cast<Environment*>(data); };
  if (napi_set_instance_data(env, environment, destroy, nullptr) != napi_ok) {
    delete environment;
    return nullptr;
  }
  if (napi_add_async_cleanup_hook(env, onEnd, environment, nullptr) != napi_ok) return nullptr;
  return environment;
}

void Environment::onEnd(napi_async_cleanup_hook_handle hook, void* data) {
  Environment* environment = static_cast<Environment*>(data);
  environment->ending_ = hook;
  // Watches first: one of them may look at the signal pipe.
  for (const auto& entry : environment->watches) closeWatch(entry.second);
  environment->watches.clear();
  closeSignals(environment);
  if (environment->unclosedWatches == 0) environment->finish();
}

void Environment::watchClosed() {
  unclosedWatches--;
  if (ending_ != nullptr && unclosedWatches == 0) finish();
}

void Environment::finish() {
  open.closeAll();
  // Node deletes this environment some time after the hook is removed.
  napi_remove_async_cleanup_hook(ending_);
}

}  // namespace genloop
