// One function per subject: each defines its calls, under the names of the contract, on the
// exports.
#pragma once

#include "arguments.h"

namespace genloop {

bool defineAddressCalls(Environment* environment, napi_value exports);
bool defineSocketCalls(Environment* environment, napi_value exports);
bool defineTransferCalls(Environment* environment, napi_value exports);
bool defineDescriptorCalls(Environment* environment, napi_value exports);
bool defineReadinessCalls(Environment* environment, napi_value exports);
bool defineTimeCalls(Environment* environment, napi_value exports);
bool defineSignalCalls(Environment* environment, napi_value exports);
bool defineLookupCalls(Environment* environment, napi_value exports);
bool defineLoopCalls(Environment* environment, napi_value exports);

// An object of C names and numbers, of those that this system has.
napi_value makeConstants(napi_env env);

template <size_t N>
bool defineAll(Environment* environment, napi_value exports, const Call (&calls)[N]) {
  return defineCalls(environment, exports, calls, N);
}

}  // namespace genloop
