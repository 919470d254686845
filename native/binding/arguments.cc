#include "arguments.h"

#include <cmath>
#include <cstdarg>
#include <cstdio>

#include "../core/descriptors.h"

namespace genloop {

namespace {

constexpr int64_t kGreatestInt32 = INT32_MAX;
constexpr size_t kLongestMessage = 200;
constexpr size_t kMostGathered = 256;

const char* nameOf(napi_typedarray_type kind) { return kind == napi_uint8_array ? "a Uint8Array" : "an Int32Array"; }

}  // namespace

bool defineCalls(Environment* environment, napi_value exports, const Call* calls, size_t count) {
  for (size_t at = 0; at < count; at++) {
    napi_value function;
    // The environment travels with each function, which is cheaper than looking it up in each call.
    if (napi_create_function(environment->env, calls[at].name, NAPI_AUTO_LENGTH, calls[at].callback, environment,
                             &function) != napi_ok ||
        napi_set_named_property(environment->env, exports, calls[at].name, function) != napi_ok) {
      return false;
    }
  }
  return true;
}

Arguments::Arguments(napi_env env, napi_callback_info info, const char* call) : env_(env), call_(call) {
  size_t count = kMost;
  void* data = nullptr;
  // Missing arguments read as undefined.
  napi_get_cb_info(env, info, &count, values_, nullptr, &data);
  environment_ = static_cast<Environment*>(data);
}

void Arguments::typeError(const char* format, ...) {
  if (failed_) return;
  failed_ = true;
  char message[kLongestMessage];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(message, sizeof(message), format, arguments);
  va_end(arguments);
  napi_throw_type_error(env_, "ERR_INVALID_ARG_TYPE", message);
}

void Arguments::rangeError(const char* format, ...) {
  if (failed_) return;
  failed_ = true;
  char message[kLongestMessage];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(message, sizeof(message), format, arguments);
  va_end(arguments);
  napi_throw_range_error(env_, "ERR_OUT_OF_RANGE", message);
}

bool Arguments::numeric(size_t index, const char* name, const char* wanted, double* value) {
  if (failed_) return false;
  if (napi_get_value_double(env_, values_[index], value) == napi_ok) return true;
  typeError("%s: %s must be %s", call_, name, wanted);
  return false;
}

int64_t Arguments::checkedInteger(size_t index, const char* name, int64_t least, int64_t greatest) {
  double value;
  if (!numeric(index, name, "a number", &value)) return least;
  // Written so that NaN fails; only then may the conversion happen.
  if (value >= static_cast<double>(least) && value <= static_cast<double>(greatest)) {
    const int64_t whole = static_cast<int64_t>(value);
    if (static_cast<double>(whole) == value && !(whole == 0 && std::signbit(value))) return whole;
  }
  rangeError("%s: %s must be an integer from %lld to %lld", call_, name, static_cast<long long>(least),
             static_cast<long long>(greatest));
  return least;
}

double Arguments::milliseconds(size_t index, const char* name) {
  double value;
  if (!numeric(index, name, "a number of milliseconds", &value)) return 0;
  if (std::isnan(value)) {
    rangeError("%s: %s must be a number of milliseconds, not NaN", call_, name);
  }
  return value;
}

std::string Arguments::text(size_t index, const char* name) {
  std::string text;
  if (failed_) return text;
  size_t length = 0;
  if (napi_get_value_string_utf8(env_, values_[index], nullptr, 0, &length) != napi_ok) {
    typeError("%s: %s must be a string", call_, name);
    return text;
  }
  text.resize(length + 1);
  napi_get_value_string_utf8(env_, values_[index], &text[0], length + 1, &length);
  text.resize(length);
  return text;
}

bool Arguments::boolean(size_t index, const char* name) {
  bool value = false;
  if (!failed_ && napi_get_value_bool(env_, values_[index], &value) != napi_ok) {
    typeError("%s: %s must be a boolean", call_, name);
  }
  return value;
}

napi_value Arguments::function(size_t index, const char* name) {
  napi_valuetype type;
  if (!failed_ && (napi_typeof(env_, values_[index], &type) != napi_ok || type != napi_function)) {
    typeError("%s: %s must be a function", call_, name);
  }
  return values_[index];
}

bool Arguments::typedArray(size_t index, const char* name, napi_typedarray_type kind, void** data, size_t* length) {
  if (failed_) return false;
  napi_typedarray_type actual;
  if (napi_get_typedarray_info(env_, values_[index], &actual, length, data, nullptr, nullptr) == napi_ok &&
      actual == kind) {
    return true;
  }
  typeError("%s: %s must be %s", call_, name, nameOf(kind));
  return false;
}

Bytes Arguments::bytes(size_t index, const char* name) {
  void* data;
  size_t size;
  if (!typedArray(index, name, napi_uint8_array, &data, &size)) return {nullptr, 0};
  return {static_cast<uint8_t*>(data), size};
}

Bytes Arguments::bytes(size_t index, const char* name, size_t offset, size_t length) {
  const Bytes whole = bytes(index, name);
  if (failed_) return whole;
  if (offset > whole.length || length > whole.length - offset) {
    rangeError("%s: offset %zu + length %zu exceeds the %s's %zu bytes", call_, offset, length, name, whole.length);
    return {nullptr, 0};
  }
  return {whole.data + offset, length};
}

uint8_t* Arguments::slot(size_t index, const char* name) {
  const Bytes whole = bytes(index, name);
  if (!failed_ && whole.length < kSlotSize) {
    rangeError("%s: %s must have at least %zu bytes, not %zu", call_, name, kSlotSize, whole.length);
  }
  return whole.data;
}

AddressBytes Arguments::address(size_t index, const char* name) {
  const Bytes whole = bytes(index, name);
  if (!failed_ && (whole.length == 0 || whole.data[0] == 0)) typeError("%s: %s holds no address", call_, name);
  return addressIn(whole.data, whole.length, name);
}

AddressBytes Arguments::optionalAddress(size_t index, const char* name) {
  const Bytes whole = bytes(index, name);
  return addressIn(whole.data, whole.length, name);
}

AddressBytes Arguments::addressIn(const uint8_t* slot, size_t size, const char* name) {
  if (failed_ || size == 0) return {nullptr, 0};
  const size_t length = slot[0];
  if (length == 0) return {nullptr, 0};
  if (length < kSmallestAddress || length > kSlotAddress) {
    rangeError("%s: %s says %zu bytes, an address has %zu to %zu", call_, name, length, kSmallestAddress, kSlotAddress);
  } else if (size < kSlotHeader + length) {
    rangeError("%s: %s says %zu bytes of address in an array of %zu", call_, name, length, size);
  }
  if (failed_) return {nullptr, 0};
  return {reinterpret_cast<const sockaddr*>(slot + kSlotHeader), static_cast<socklen_t>(length)};
}

Gathering Arguments::buffers(size_t index, const char* name, size_t skip, iovec* parts, size_t most) {
  if (failed_) return {0, true};
  const napi_value array = values_[index];
  bool isArray = false;
  uint32_t length = 0;
  if (napi_is_array(env_, array, &isArray) != napi_ok || !isArray ||
      napi_get_array_length(env_, array, &length) != napi_ok) {
    typeError("%s: %s must be an array of Uint8Arrays", call_, name);
    return {0, true};
  }
  // First which they are, which may run code, and only then where they are.
  napi_value taken[kMostGathered];
  if (most > kMostGathered) most = kMostGathered;
  size_t count = 0;
  bool isAll = true;
  for (uint32_t at = 0; at < length; at++) {
    if (count == most) {
      isAll = false;
      break;
    }
    napi_value element;
    if (napi_get_element(env_, array, at, &element) != napi_ok) {
      failed_ = true;  // what a getter has thrown
      return {0, true};
    }
    napi_typedarray_type kind;
    size_t size;
    if (napi_get_typedarray_info(env_, element, &kind, &size, nullptr, nullptr, nullptr) != napi_ok ||
        kind != napi_uint8_array) {
      typeError("%s: %s must be an array of Uint8Arrays, and element %u is none", call_, name, at);
      return {0, true};
    }
    if (count == 0 && skip >= size) {
      skip -= size;
    } else {
      taken[count++] = element;
    }
  }
  for (size_t at = 0; at < count; at++) {
    size_t size;
    void* data;
    napi_get_typedarray_info(env_, taken[at], nullptr, &size, &data, nullptr, nullptr);
    if (skip > size) break;
    parts[at] = {static_cast<uint8_t*>(data) + skip, size - skip};
    skip = 0;
  }
  if (skip > 0) rangeError("%s: offset is beyond the bytes of the %s", call_, name);
  return {count, isAll};
}

Rows Arguments::rows(size_t index, const char* name, size_t columns) {
  void* data;
  size_t length;
  if (!typedArray(index, name, napi_int32_array, &data, &length)) return {nullptr, 0};
  return {static_cast<int32_t*>(data), length / columns};
}

Rows Arguments::rows(size_t index, const char* name, size_t columns, size_t count) {
  const Rows all = rows(index, name, columns);
  if (failed_) return all;
  if (count > all.count) {
    rangeError("%s: %zu rows of %zu exceed the %zu rows of %s", call_, count, columns, all.count, name);
  }
  return {all.data, count};
}

int32_t* Arguments::pair(size_t index, const char* name) {
  void* data;
  size_t length;
  if (!typedArray(index, name, napi_int32_array, &data, &length)) return nullptr;
  if (length < 2) rangeError("%s: %s must have at least 2 elements, not %zu", call_, name, length);
  return static_cast<int32_t*>(data);
}

napi_value Arguments::number(int64_t value) const {
  napi_value number = nullptr;
  if (value >= INT32_MIN && value <= kGreatestInt32) {
    napi_create_int32(env_, static_cast<int32_t>(value), &number);
  } else {
    napi_create_int64(env_, value, &number);
  }
  return number;
}

napi_value Arguments::number(double value) const {
  napi_value number = nullptr;
  napi_create_double(env_, value, &number);
  return number;
}

napi_value Arguments::opened(int64_t fd) const {
  if (fd >= 0) environment_->open.add(static_cast<int>(fd));
  return number(fd);
}

napi_value Arguments::openedPair(int64_t status, const int opened[2], int32_t* pair) const {
  if (status >= 0) {
    for (int at = 0; at < 2; at++) {
      environment_->open.add(opened[at]);
      pair[at] = opened[at];
    }
  }
  return number(status);
}

}  // namespace genloop
