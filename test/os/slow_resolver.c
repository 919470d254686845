/*
 * Stands before the C library's getaddrinfo (LD_PRELOAD): a name that begins with "slow" is looked up until somebody opens the FIFO that
 * GENLOOP_TEST_GATE names for writing and closes it again, and then there is no such name. That it is under way can be seen by the FIFO
 * having a reader. A name that begins with "never" must not be looked up at all.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int (*Lookup)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
  if (name != NULL && strncmp(name, "slow", 4) == 0) {
    char byte;
    const int gate = open(getenv("GENLOOP_TEST_GATE"), O_RDONLY | O_CLOEXEC);
    while (gate >= 0 && read(gate, &byte, 1) > 0) {
    }
    close(gate);
    return EAI_NONAME;
  }
  if (name != NULL && strncmp(name, "never", 5) == 0) abort();
  return ((Lookup)dlsym(RTLD_NEXT, "getaddrinfo"))(name, service, hints, found);
}
