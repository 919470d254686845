// The errors of getaddrinfo: Node's numbers on every system, see ../core/lookup.h.

#include "../core/lookup.h"
#include "constants.h"

namespace genloop {

ConstantTable lookupConstants() {
  static const Constant kTable[] = {
      {"EAI_ADDRFAMILY", kEaiAddressFamily},
      {"EAI_AGAIN", kEaiAgain},
      {"EAI_BADFLAGS", kEaiBadFlags},
      {"EAI_BADHINTS", kEaiBadHints},
      {"EAI_CANCELED", kEaiCanceled},
      {"EAI_FAIL", kEaiFail},
      {"EAI_FAMILY", kEaiFamily},
      {"EAI_MEMORY", kEaiMemory},
      {"EAI_NODATA", kEaiNoData},
      {"EAI_NONAME", kEaiNoName},
      {"EAI_OVERFLOW", kEaiOverflow},
      {"EAI_PROTOCOL", kEaiProtocol},
      {"EAI_SERVICE", kEaiService},
      {"EAI_SOCKTYPE", kEaiSocketType},
  };
  return tableOf(kTable);
}

}  // namespace genloop
