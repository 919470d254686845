// Watches, by number: JavaScript holds an integer, so nothing of ours can outlive the thread in the
// garbage collector. A number is never used again, so a late unwatch cannot end somebody else's
// watch.

#include "watch.h"

#include <uv.h>

#include <cerrno>

#include "calls.h"

namespace genloop {

struct Watch {
  uv_poll_t handle;
  Environment* environment;
  napi_ref callback;
  napi_async_context context;
  bool calling;  // our callback is on the stack: what it stands on must stay
  bool closed;
};

namespace {

void releaseCallback(Watch* watch) {
  napi_env env = watch->environment->env;
  if (watch->callback != nullptr) napi_delete_reference(env, watch->callback);
  if (watch->context != nullptr) napi_async_destroy(env, watch->context);
  watch->callback = nullptr;
  watch->context = nullptr;
}

// As for any callback of Node's: what it throws is an uncaught exception, and the loop goes on.
void reportException(napi_env env) {
  bool pending = false;
  if (napi_is_exception_pending(env, &pending) != napi_ok || !pending) return;
  napi_value error = nullptr;
  if (napi_get_and_clear_last_exception(env, &error) != napi_ok || error == nullptr) return;
  napi_fatal_exception(env, error);
}

void callBack(Watch* watch) {
  napi_env env = watch->environment->env;
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value callback = nullptr;
  napi_value global = nullptr;
  napi_value returned = nullptr;
  napi_get_reference_value(env, watch->callback, &callback);
  napi_get_global(env, &global);
  if (callback != nullptr && global != nullptr &&
      napi_make_callback(env, watch->context, global, callback, 0, nullptr, &returned) != napi_ok) {
    reportException(env);
  }
  napi_close_handle_scope(env, scope);
}

// A failed status (libuv has stopped the handle then) is passed on too: whoever asks the descriptor
// finds out what is wrong.
void onReadable(uv_poll_t* handle, int, int) {
  Watch* watch = static_cast<Watch*>(handle->data);
  watch->calling = true;
  callBack(watch);
  watch->calling = false;
  if (watch->closed) releaseCallback(watch);
}

void onClosed(uv_handle_t* handle) {
  Watch* watch = static_cast<Watch*>(handle->data);
  Environment* environment = watch->environment;
  delete watch;
  environment->watchClosed();
}

int64_t startWatch(Environment* environment, uv_loop_t* loop, int fd, napi_value callback) {
  napi_env env = environment->env;
  Watch* watch = new Watch{};
  watch->environment = environment;
  watch->handle.data = watch;
  const int status = uv_poll_init(loop, &watch->handle, fd);
  if (status < 0) {
    delete watch;
    return status;
  }
  environment->unclosedWatches++;
  napi_value name = nullptr;
  const bool referenced = napi_create_string_utf8(env, "genloop.watch", NAPI_AUTO_LENGTH, &name) == napi_ok &&
                          napi_async_init(env, nullptr, name, &watch->context) == napi_ok &&
                          napi_create_reference(env, callback, 1, &watch->callback) == napi_ok;
  const int started = referenced ? uv_poll_start(&watch->handle, UV_READABLE, onReadable) : -ENOMEM;
  if (started < 0) {
    closeWatch(watch);
    return started;
  }
  environment->watches[++environment->lastWatch] = watch;
  return environment->lastWatch;
}

napi_value backendFd(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "backendFd");
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return arguments.number(int64_t{-ENOSYS});
  const int fd = uv_backend_fd(loop);
  return arguments.number(int64_t{fd < 0 ? -ENOSYS : fd});
}

napi_value watch(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "watch");
  const int fd = arguments.descriptor(0);
  napi_value callback = arguments.function(1, "callback");
  if (arguments.failed()) return nullptr;
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return arguments.number(int64_t{-ENOSYS});
  return arguments.number(startWatch(&arguments.environment(), loop, fd, callback));
}

napi_value unwatch(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "unwatch");
  const int32_t number = arguments.int32(0, "handle");
  if (arguments.failed()) return nullptr;
  auto& watches = arguments.environment().watches;
  const auto found = watches.find(number);
  if (found == watches.end()) return arguments.number(int64_t{-EINVAL});
  closeWatch(found->second);
  watches.erase(found);
  return arguments.number(int64_t{0});
}

napi_value setRef(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "setRef");
  const int32_t number = arguments.int32(0, "handle");
  const bool referenced = arguments.boolean(1, "referenced");
  if (arguments.failed()) return nullptr;
  const auto& watches = arguments.environment().watches;
  const auto found = watches.find(number);
  if (found == watches.end()) return arguments.number(int64_t{-EINVAL});
  uv_handle_t* handle = reinterpret_cast<uv_handle_t*>(&found->second->handle);
  if (referenced) {
    uv_ref(handle);
  } else {
    uv_unref(handle);
  }
  return arguments.number(int64_t{0});
}

}  // namespace

void closeWatch(Watch* watch) {
  watch->closed = true;
  uv_poll_stop(&watch->handle);
  if (!watch->calling) releaseCallback(watch);
  uv_close(reinterpret_cast<uv_handle_t*>(&watch->handle), onClosed);
}

bool defineLoopCalls(Environment* environment, napi_value exports) {
  static const Call kCalls[] = {
      {"backendFd", backendFd},
      {"watch", watch},
      {"unwatch", unwatch},
      {"setRef", setRef},
  };
  return defineAll(environment, exports, kCalls);
}

}  // namespace genloop
