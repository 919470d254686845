/*
 * A wall clock that goes wild, for a program that has this preloaded: at each look it is ten days from where it was. The clocks that
 * only go forward are left alone.
 */

#define _GNU_SOURCE
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define TEN_DAYS (10 * 24 * 3600)

/* By turns: where it should be, and ten days away from there. */
static time_t shift(void) {
  static _Atomic int turn;
  return turn++ % 2 == 0 ? 0 : TEN_DAYS;
}

int clock_gettime(clockid_t clock, struct timespec* now) {
  long status = syscall(SYS_clock_gettime, clock, now);
  if (status == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += shift();
  return (int)status;
}

int gettimeofday(struct timeval* restrict now, void* restrict zone) {
  (void)zone;
  struct timespec time;
  if (clock_gettime(CLOCK_REALTIME, &time) != 0) return -1;
  now->tv_sec = time.tv_sec;
  now->tv_usec = time.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* now) {
  struct timespec wall;
  clock_gettime(CLOCK_REALTIME, &wall);
  if (now != NULL) *now = wall.tv_sec;
  return wall.tv_sec;
}
