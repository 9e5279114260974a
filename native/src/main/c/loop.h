/*
 * The one event loop: descriptors by epoll, and a handful of timers. One event is taken from the
 * kernel at a time, so a handler may close any other descriptor without stale events of the same
 * batch to fear.
 */
#ifndef BERTH_LOOP_H
#define BERTH_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct watch {
  int fd;
  uint32_t events;   /* what epoll watches now; 0 = nothing */
  bool always_ready; /* a regular file: epoll refuses it, it never blocks */
  void (*ready)(struct watch *watch, uint32_t events);
};

#define TIMERS_MAX 8192u /* attach.c asserts that the tables own no more */

struct timer {
  uint64_t at; /* nanoseconds, CLOCK_MONOTONIC; 0 = not set */
  void (*fire)(struct timer *timer);
};

int loop_open(void);
int loop_fd(void);
/* Runs until loop_end(). */
void loop_run(void);
void loop_end(void);

/* Sets which events are wanted; 0 takes the descriptor out. Returns -1 with errno only for a broken
 * descriptor. */
int watch_set(struct watch *watch, uint32_t events);
/* Takes the descriptor out and closes it; harmless when it is closed already. */
void watch_close(struct watch *watch);

void timer_set(struct timer *timer, uint64_t milliseconds);
void timer_clear(struct timer *timer);

uint64_t monotonic_now(void);
uint64_t realtime_now(void);

#endif
