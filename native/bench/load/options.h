// What the command line says. Every option is `--name value`; one that the mode does not know is an error, so
// that a typing mistake never silently measures something else.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace load {

struct Options {
  std::string host = "127.0.0.1";
  int port = 0;
  int connections = 1;  // also called --clients
  int size = 64;        // bytes per message
  double seconds = 1;   // the measured window
  double warmup = 0.2;  // before it, not counted
  double rate = 0;      // messages per second, of all connections together; 0: as many as possible
  double marked = 0;    // share of the messages that ask for more work
  int count = 0;        // operations altogether, 0: as many as fit into the window
  int bytes = 8 << 20;  // the most that a client sends that never reads
  int core = -1;        // pin this process to that core
  int watch = 0;        // report the CPU time of that process over the window
};

/// Ends the program: a load that cannot be trusted must not print figures.
[[noreturn]] inline void fail(const std::string& message) {
  std::fflush(stdout);
  std::fprintf(stderr, "load: %s\n", message.c_str());
  std::exit(1);
}

inline std::string errorText(const char* call) { return std::string(call) + ": " + std::strerror(errno); }

inline double number(const std::string& name, const char* text, double low, double high) {
  char* end = nullptr;
  double value = std::strtod(text, &end);
  if (end == text || *end != '\0' || !(value >= low && value <= high)) {
    fail(name + " must be a number from " + std::to_string(low) + " to " + std::to_string(high) + ", not '" + text +
         "'");
  }
  return value;
}

/// Loopback only: this program floods whatever it is pointed at.
inline void requireLoopback(const std::string& host) {
  in_addr address{};
  if (inet_pton(AF_INET, host.c_str(), &address) != 1 || (ntohl(address.s_addr) >> 24) != 127) {
    fail("--host must be an address in 127.0.0.0/8, not '" + host + "': this program addresses only loopback");
  }
}

inline Options parse(int argc, char** argv) {
  Options options;
  for (int i = 2; i < argc; i += 2) {
    std::string name = argv[i];
    if (i + 1 >= argc) fail(name + " needs a value");
    const char* value = argv[i + 1];
    if (name == "--host")
      options.host = std::strcmp(value, "localhost") == 0 ? "127.0.0.1" : value;
    else if (name == "--port")
      options.port = static_cast<int>(number(name, value, 1, 65535));
    else if (name == "--connections" || name == "--clients")
      options.connections = static_cast<int>(number(name, value, 1, 1000000));
    else if (name == "--size")
      options.size = static_cast<int>(number(name, value, 1, 64 << 20));
    else if (name == "--seconds")
      options.seconds = number(name, value, 0.001, 3600);
    else if (name == "--warmup")
      options.warmup = number(name, value, 0, 3600);
    else if (name == "--rate")
      options.rate = number(name, value, 0, 1e7);
    else if (name == "--marked")
      options.marked = number(name, value, 0, 1);
    else if (name == "--count")
      options.count = static_cast<int>(number(name, value, 0, 1 << 30));
    else if (name == "--bytes")
      options.bytes = static_cast<int>(number(name, value, 1, 1 << 30));
    else if (name == "--core")
      options.core = static_cast<int>(number(name, value, 0, 1023));
    else if (name == "--watch")
      options.watch = static_cast<int>(number(name, value, 1, 1 << 30));
    else
      fail("unknown option " + name);
  }
  if (options.port == 0) fail("--port is needed");
  requireLoopback(options.host);
  return options;
}

}  // namespace load
