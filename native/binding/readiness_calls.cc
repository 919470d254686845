// The four ways to ask what is ready. Their rows lie in arrays that the caller keeps, so that a
// wait with a thousand events makes no object.

#include "../core/epoll.h"
#include "../core/kqueue.h"
#include "../core/poll.h"
#include "../core/select.h"
#include "calls.h"

namespace genloop {

namespace {

napi_value epollCreate(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "epollCreate");
  return arguments.opened(openEpoll());
}

napi_value epollCtl(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "epollCtl");
  const int epfd = arguments.descriptor(0, "epfd");
  const int operation = arguments.int32(1, "operation");
  const int fd = arguments.descriptor(2);
  const uint32_t events = arguments.bits(3, "events");
  const uint32_t low = arguments.bits(4, "low");
  const uint32_t high = arguments.bits(5, "high");
  if (arguments.failed()) return nullptr;
  return arguments.number(controlEpoll(epfd, operation, fd, events, low, high));
}

napi_value epollWait(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "epollWait");
  const int epfd = arguments.descriptor(0, "epfd");
  const Timeout timeout = timeoutFrom(arguments.milliseconds(2, "timeout"));
  const Rows rows = arguments.rows(1, "rows", kEpollRow);
  if (arguments.failed()) return nullptr;
  return arguments.number(waitEpoll(epfd, rows.data, rows.count, timeout, &arguments.environment().coarseEpoll));
}

napi_value poll(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "poll");
  const size_t count = arguments.length(1, "count");
  const Timeout timeout = timeoutFrom(arguments.milliseconds(2, "timeout"));
  const Rows rows = arguments.rows(0, "rows", kPollRow, count);
  if (arguments.failed()) return nullptr;
  return arguments.number(waitPoll(rows.data, rows.count, timeout));
}

napi_value select(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "select");
  const size_t count = arguments.length(1, "count");
  const Timeout timeout = timeoutFrom(arguments.milliseconds(2, "timeout"));
  const Rows rows = arguments.rows(0, "rows", kSelectRow, count);
  if (arguments.failed()) return nullptr;
  return arguments.number(waitSelect(rows.data, rows.count, timeout));
}

napi_value kqueue(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "kqueue");
  return arguments.opened(openKqueue());
}

napi_value kevent(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "kevent");
  const int kq = arguments.descriptor(0, "kq");
  const size_t changeCount = arguments.length(2, "changeCount");
  const Timeout timeout = timeoutFrom(arguments.milliseconds(4, "timeout"));
  const Rows changes = arguments.rows(1, "changes", kKeventRow, changeCount);
  const Rows events = arguments.rows(3, "events", kKeventRow);
  if (arguments.failed()) return nullptr;
  return arguments.number(waitKqueue(kq, changes.data, changes.count, events.data, events.count, timeout,
                                     &arguments.environment().keventRoom));
}

}  // namespace

bool defineReadinessCalls(Environment* environment, napi_value exports) {
  static const Call kCalls[] = {
      {"epollCreate", epollCreate}, {"epollCtl", epollCtl}, {"epollWait", epollWait}, {"poll", poll},
      {"select", select},           {"kqueue", kqueue},     {"kevent", kevent},
  };
  return defineAll(environment, exports, kCalls);
}

}  // namespace genloop
