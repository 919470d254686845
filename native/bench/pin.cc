// pin CORE PROGRAM ARGUMENTS…: becomes PROGRAM, bound to one core. (taskset does the same, where it is installed.)

#include <sched.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: pin CORE PROGRAM ARGUMENTS…\n");
    return 2;
  }
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(std::atoi(argv[1]), &cores);
  if (sched_setaffinity(0, sizeof cores, &cores) < 0) {
    std::perror("pin: sched_setaffinity");
    return 1;
  }
  execvp(argv[2], argv + 2);
  std::perror("pin: execvp");
  return 127;
}
