// The load generator of the benchmark: single-threaded, epoll, closed loop but for one mode. It checks every reply;
// anything wrong ends it with exit code 1 and a sentence, and no figures. Otherwise it prints one line of JSON.
//
//   load tcp-echo --port P --connections N --size BYTES --seconds S [--warmup S]
//   load udp-time --port P --clients N --seconds S [--warmup S]
//   load connect  --port P --connections N --seconds S [--warmup S] [--count N]
//   load open-loop --port P --connections N --size BYTES --rate R [--marked SHARE] --seconds S [--warmup S]
//   load idle     --port P --connections N                   (holds them until stdin ends)
//   load slow     --port P --connections N [--bytes MOST]    (holds them until stdin ends)
//
// and for all: --host 127.x.y.z, --core K (pin this process), --watch PID (the first four: the CPU time that
// process used within the window).

#include <sched.h>

#include <algorithm>
#include <iterator>

#include "load/connect.h"
#include "load/idle.h"
#include "load/open_loop.h"
#include "load/slow.h"
#include "load/tcp_echo.h"
#include "load/udp_time.h"

int main(int argc, char** argv) {
  using namespace load;
  std::string mode = argc > 1 ? argv[1] : "";
  const char* modes[] = {"tcp-echo", "udp-time", "connect", "open-loop", "idle", "slow"};
  if (std::find(std::begin(modes), std::end(modes), mode) == std::end(modes)) {
    fail(
        "usage: load tcp-echo|udp-time|connect|open-loop|idle|slow --port P [--connections N] [--size BYTES] [--rate "
        "R] "
        "[--marked SHARE] [--count N] [--bytes MOST] [--seconds S] [--warmup S] [--core K] [--watch PID]");
  }
  Options options = parse(argc, argv);
  if (options.core >= 0) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(options.core, &cores);
    if (sched_setaffinity(0, sizeof cores, &cores) < 0) fail(errorText("sched_setaffinity"));
  }
  raiseDescriptorLimit();
  if (mode == "tcp-echo") TcpEcho(options).run();
  if (mode == "udp-time") UdpTime(options).run();
  if (mode == "connect") Connect(options).run();
  if (mode == "open-loop") OpenLoop(options).run();
  if (mode == "idle") idle(options);
  if (mode == "slow") slow(options);
}
