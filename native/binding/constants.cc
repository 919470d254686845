// All tables in one object.

#include "constants.h"

#include <napi.h>

#include "calls.h"

namespace genloop {

napi_value makeConstants(napi_env env) {
  Napi::Object object = Napi::Object::New(env);
  for (const ConstantTable& table : {socketConstants(), linkConstants(), descriptorConstants(), terminalConstants(),
                                     kqueueConstants(), errorConstants(), lookupConstants()}) {
    for (size_t at = 0; at < table.count; at++) {
      object.Set(table.begin[at].name, static_cast<double>(table.begin[at].value));
    }
  }
  return object;
}

}  // namespace genloop
