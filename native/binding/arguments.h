// Arguments of a call, checked. Node-API is not strict: NaN reads as 0, 2^32 + 3 as 3, a detached
// buffer as one of length 0, all with status OK; so every number is read as a double and compared,
// and every range of bytes is measured. The first fault throws and silences the rest, so a call
// reads all of its arguments and then asks once.
//
// Numbers are to be read before bytes: nothing may run between taking an address and using it.
#pragma once

#include <node_api.h>
#include <sys/uio.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

#include "../core/address.h"
#include "environment.h"

namespace genloop {

struct Call {
  const char* name;
  napi_callback callback;
};

// Defines the calls of one subject on the exports.
bool defineCalls(Environment* environment, napi_value exports, const Call* calls, size_t count);

struct Bytes {
  uint8_t* data;
  size_t length;
};

// What a call that moves bytes through a socket begins with: fd, buffer, offset, length, flags.
struct Transfer {
  int fd;
  Bytes bytes;
  int flags;
};

struct Rows {
  int32_t* data;
  size_t count;
};

struct AddressBytes {
  const sockaddr* address;
  socklen_t length;
};

// How many buffers of an array were taken, and whether those are all.
struct Gathering {
  size_t count;
  bool isAll;
};

class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info, const char* call);

  bool failed() const { return failed_; }
  const char* call() const { return call_; }
  Environment& environment() const { return *environment_; }
  napi_env env() const { return env_; }

  // Every hot call reads four of these: what is well inside the limits is decided here, the rest elsewhere.
  int64_t integer(size_t index, const char* name, int64_t least, int64_t greatest) {
    double value;
    if (!failed_ && napi_get_value_double(env_, values_[index], &value) == napi_ok && !std::signbit(value) &&
        value <= INT32_MAX) {
      const int32_t whole = static_cast<int32_t>(value);
      if (whole == value && whole >= least && whole <= greatest) return whole;
    }
    return checkedInteger(index, name, least, greatest);
  }
  int descriptor(size_t index, const char* name = "fd") { return static_cast<int>(integer(index, name, 0, INT32_MAX)); }
  int32_t int32(size_t index, const char* name) {
    return static_cast<int32_t>(integer(index, name, INT32_MIN, INT32_MAX));
  }
  // Masks: JavaScript's own operators make them signed, so both readings are taken.
  uint32_t bits(size_t index, const char* name) {
    return static_cast<uint32_t>(integer(index, name, INT32_MIN, UINT32_MAX));
  }
  size_t length(size_t index, const char* name) { return static_cast<size_t>(integer(index, name, 0, INT32_MAX)); }
  double milliseconds(size_t index, const char* name);
  std::string text(size_t index, const char* name);
  bool boolean(size_t index, const char* name);
  napi_value function(size_t index, const char* name);

  Bytes bytes(size_t index, const char* name);
  Bytes bytes(size_t index, const char* name, size_t offset, size_t length);
  Transfer transfer() {
    const int fd = descriptor(0);
    const size_t offset = length(2, "offset");
    const size_t size = length(3, "length");
    const int flags = static_cast<int>(bits(4, "flags"));
    return {fd, bytes(1, "buffer", offset, size), flags};
  }
  // A slot for a result.
  uint8_t* slot(size_t index, const char* name);
  // A slot that holds an address; the length is read once.
  AddressBytes address(size_t index, const char* name);
  // The same, and no address if the array is empty or says so.
  AddressBytes optionalAddress(size_t index, const char* name);
  AddressBytes addressIn(const uint8_t* slot, size_t size, const char* name);
  // The bytes of an array of buffers from `skip` on, of the first buffers that have any. To be read before other
  // bytes: an array's element may be a getter, which runs code.
  Gathering buffers(size_t index, const char* name, size_t skip, iovec* parts, size_t most);
  // All whole rows of an Int32Array.
  Rows rows(size_t index, const char* name, size_t columns);
  // Exactly `count` rows, which must be there.
  Rows rows(size_t index, const char* name, size_t columns, size_t count);
  int32_t* pair(size_t index, const char* name);

  napi_value number(int64_t value) const;
  napi_value number(double value) const;
  // The same for a call that opens a descriptor: this environment closes it at its end.
  napi_value opened(int64_t fd) const;
  napi_value openedPair(int64_t status, const int opened[2], int32_t* pair) const;

  void typeError(const char* format, ...) __attribute__((format(printf, 2, 3)));
  void rangeError(const char* format, ...) __attribute__((format(printf, 2, 3)));

  static constexpr size_t kMost = 7;

 private:
  int64_t checkedInteger(size_t index, const char* name, int64_t least, int64_t greatest);
  bool numeric(size_t index, const char* name, const char* wanted, double* value);
  bool typedArray(size_t index, const char* name, napi_typedarray_type kind, void** data, size_t* length);

  napi_env env_;
  const char* call_;
  Environment* environment_ = nullptr;
  napi_value values_[kMost];
  bool failed_ = false;
};

}  // namespace genloop
