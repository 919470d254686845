// The measured window: what happens between its two edges is counted, and at both edges the CPU clocks of the
// server and of this process are read, so that CPU time and round trips belong to the same stretch of time.
#pragma once

#include <ctime>

#include <array>
#include <cstdint>

#include "sockets.h"

namespace load {

inline int64_t readClock(clockid_t clock) {
  timespec time{};
  if (clock_gettime(clock, &time) < 0) fail(errorText("clock_gettime"));
  return int64_t{time.tv_sec} * 1000000000 + time.tv_nsec;
}

inline int64_t now() { return readClock(CLOCK_MONOTONIC); }

/// Log-linear histogram of nanoseconds: 128 buckets per power of two, so an error below 1 %.
class Histogram {
 public:
  void add(int64_t value) {
    ++counts_[indexOf(value)];
    ++total_;
    if (value > max_) max_ = value;
  }
  void reset() { *this = Histogram(); }
  int64_t total() const { return total_; }
  int64_t max() const { return max_; }
  int64_t percentile(double share) const {
    int64_t wanted = static_cast<int64_t>(share * static_cast<double>(total_));
    int64_t seen = 0;
    for (size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen > wanted) return valueOf(i) < max_ ? valueOf(i) : max_;
    }
    return max_;
  }

 private:
  static constexpr int kBits = 7;
  static size_t indexOf(int64_t value) {
    uint64_t v = value < 1 ? 1 : static_cast<uint64_t>(value);
    int exponent = 63 - __builtin_clzll(v);
    if (exponent <= kBits) return v;
    int shift = exponent - kBits;
    return (static_cast<size_t>(shift) << kBits) + (v >> shift);
  }
  static int64_t valueOf(size_t index) {
    size_t shift = index >> kBits;
    if (shift <= 1) return static_cast<int64_t>(index);
    --shift;
    return static_cast<int64_t>((index - (shift << kBits)) << shift);
  }
  std::array<int64_t, (64 - kBits + 1) << kBits> counts_{};
  int64_t total_ = 0;
  int64_t max_ = 0;
};

class Window {
 public:
  Window(const char* mode, const Options& options) : mode_(mode), options_(options) {
    // The process's own CPU clock counts in nanoseconds and keeps the time of threads that have ended; the sum of
    // /proc/PID/task/*/schedstat loses the latter.
    if (options.watch != 0) {
      int error = clock_getcpuclockid(options.watch, &serverClock_);
      if (error != 0)
        fail(std::string("no CPU clock of process ") + std::to_string(options.watch) + ": " + std::strerror(error));
    }
  }

  /// Call once, when the load begins.
  void begin() { opensAt_ = now() + static_cast<int64_t>(options_.warmup * 1e9); }

  /// One operation has ended, `start` and `end` in nanoseconds. False once the window has closed.
  bool count(int64_t start, int64_t end) {
    bool counts = open_;
    if (!tick(end)) return false;
    if (counts) {
      add(end - start);
      ended();
    }
    return true;
  }

  /// It is so late: the window opens and closes with that. False once it has closed.
  bool tick(int64_t time) {
    if (closed_) return false;
    if (!open_) {
      if (time >= opensAt_) open();
      return true;
    }
    if (time >= closesAt_) close();
    return !closed_;
  }

  /// For a load that counts operations by the time they were due: whether this time is in the window; one that was due
  /// in it took so long; one has ended in it.
  bool covers(int64_t time) const { return openedAt_ != 0 && time >= openedAt_ && time < closesAt_; }
  void add(int64_t latency) { latency_.add(latency); }
  void ended() { ++ended_; }

  /// Closes it early.
  void finish() {
    if (open_) close();
  }

  bool closed() const { return closed_; }
  int64_t closesAt() const { return closesAt_; }

  /// Prints the one line of JSON. `extra` is inserted as it stands: `,"name":value`.
  void print(const std::string& extra) const {
    double seconds = static_cast<double>(elapsed_) / 1e9;
    int64_t count = ended_;
    if (count == 0) fail("nothing was answered within the window");
    std::printf("{\"mode\":\"%s\",\"connections\":%d,\"seconds\":%.6f,\"round_trips\":%lld,\"rate\":%.1f", mode_,
                options_.connections, seconds, static_cast<long long>(count), static_cast<double>(count) / seconds);
    std::printf(",\"latency_us\":{\"p50\":%.2f,\"p99\":%.2f,\"p999\":%.2f,\"max\":%.2f}", percentile(0.5),
                percentile(0.99), percentile(0.999), static_cast<double>(latency_.max()) / 1e3);
    std::printf(",\"load_cpu_ns\":%lld", static_cast<long long>(ownCpu_));
    if (options_.watch != 0) std::printf(",\"server_cpu_ns\":%lld", static_cast<long long>(serverCpu_));
    std::printf("%s}\n", extra.c_str());
    std::fflush(stdout);
  }

 private:
  double percentile(double share) const { return static_cast<double>(latency_.percentile(share)) / 1e3; }

  void open() {
    open_ = true;
    ownCpu_ = readClock(CLOCK_PROCESS_CPUTIME_ID);
    if (options_.watch != 0) serverCpu_ = readClock(serverClock_);
    openedAt_ = now();
    closesAt_ = openedAt_ + static_cast<int64_t>(options_.seconds * 1e9);
  }
  void close() {
    open_ = false;
    closed_ = true;
    elapsed_ = now() - openedAt_;
    if (options_.watch != 0) serverCpu_ = readClock(serverClock_) - serverCpu_;
    ownCpu_ = readClock(CLOCK_PROCESS_CPUTIME_ID) - ownCpu_;
  }

  const char* mode_;
  const Options& options_;
  clockid_t serverClock_{};
  Histogram latency_;
  int64_t opensAt_ = 0, openedAt_ = 0, closesAt_ = 0, elapsed_ = 0, serverCpu_ = 0, ownCpu_ = 0, ended_ = 0;
  bool open_ = false, closed_ = false;
};

}  // namespace load
