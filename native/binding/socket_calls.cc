// Making, naming and tuning sockets. What moves bytes is in transfer_calls.

#include "../core/creation.h"
#include "../core/sockets.h"
#include "calls.h"

namespace genloop {

namespace {

napi_value socket(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "socket");
  const int family = arguments.int32(0, "family");
  const int type = arguments.int32(1, "type");
  const int protocol = arguments.int32(2, "protocol");
  if (arguments.failed()) return nullptr;
  return arguments.opened(openSocket(family, type, protocol));
}

napi_value socketpair(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "socketpair");
  const int family = arguments.int32(0, "family");
  const int type = arguments.int32(1, "type");
  const int protocol = arguments.int32(2, "protocol");
  int32_t* pair = arguments.pair(3, "pair");
  if (arguments.failed()) return nullptr;
  int opened[2];
  const int64_t status = openSocketpair(family, type, protocol, opened);
  return arguments.openedPair(status, opened, pair);
}

napi_value bind(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "bind");
  const int fd = arguments.descriptor(0);
  const AddressBytes address = arguments.address(1, "address");
  if (arguments.failed()) return nullptr;
  return arguments.number(bindSocket(fd, address.address, address.length));
}

napi_value listen(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "listen");
  const int fd = arguments.descriptor(0);
  const int backlog = arguments.int32(1, "backlog");
  if (arguments.failed()) return nullptr;
  return arguments.number(listenSocket(fd, backlog));
}

napi_value accept(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "accept");
  const int fd = arguments.descriptor(0);
  uint8_t* slot = arguments.slot(1, "slot");
  if (arguments.failed()) return nullptr;
  return arguments.opened(acceptSocket(fd, slot));
}

napi_value connect(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "connect");
  const int fd = arguments.descriptor(0);
  const AddressBytes address = arguments.address(1, "address");
  if (arguments.failed()) return nullptr;
  return arguments.number(connectSocket(fd, address.address, address.length));
}

napi_value shutdown(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "shutdown");
  const int fd = arguments.descriptor(0);
  const int how = arguments.int32(1, "how");
  if (arguments.failed()) return nullptr;
  return arguments.number(shutdownSocket(fd, how));
}

napi_value getsockname(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "getsockname");
  const int fd = arguments.descriptor(0);
  uint8_t* slot = arguments.slot(1, "slot");
  if (arguments.failed()) return nullptr;
  return arguments.number(localAddress(fd, slot));
}

napi_value getpeername(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "getpeername");
  const int fd = arguments.descriptor(0);
  uint8_t* slot = arguments.slot(1, "slot");
  if (arguments.failed()) return nullptr;
  return arguments.number(peerAddress(fd, slot));
}

napi_value getsockopt(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "getsockopt");
  const int fd = arguments.descriptor(0);
  const int level = arguments.int32(1, "level");
  const int name = arguments.int32(2, "name");
  const Bytes value = arguments.bytes(3, "value");
  if (arguments.failed()) return nullptr;
  return arguments.number(getOption(fd, level, name, value.data, value.length));
}

napi_value setsockopt(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, "setsockopt");
  const int fd = arguments.descriptor(0);
  const int level = arguments.int32(1, "level");
  const int name = arguments.int32(2, "name");
  const Bytes value = arguments.bytes(3, "value");
  if (arguments.failed()) return nullptr;
  return arguments.number(setOption(fd, level, name, value.data, value.length));
}

}  // namespace

bool defineSocketCalls(Environment* environment, napi_value exports) {
  static const Call kCalls[] = {
      {"socket", socket},         {"socketpair", socketpair},   {"bind", bind},
      {"listen", listen},         {"accept", accept},           {"connect", connect},
      {"shutdown", shutdown},     {"getsockname", getsockname}, {"getpeername", getpeername},
      {"getsockopt", getsockopt}, {"setsockopt", setsockopt},
  };
  return defineAll(environment, exports, kCalls);
}

}  // namespace genloop
