#include "loop.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

static int epoll = -1;
static bool ending;
static struct timer *timers[TIMERS_MAX];
static unsigned timer_count;

int loop_open(void) {
  epoll = epoll_create1(EPOLL_CLOEXEC);
  return epoll < 0 ? -1 : 0;
}

int loop_fd(void) { return epoll; }

void loop_end(void) { ending = true; }

static uint64_t now(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t monotonic_now(void) { return now(CLOCK_MONOTONIC); }

uint64_t realtime_now(void) { return now(CLOCK_REALTIME); }

int watch_set(struct watch *watch, uint32_t events) {
  if (watch->fd < 0 || watch->events == events || watch->always_ready)
    return 0;
  struct epoll_event event = {.events = events, .data.ptr = watch};
  int how = events == 0 ? EPOLL_CTL_DEL : watch->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  if (epoll_ctl(epoll, how, watch->fd, &event) < 0) {
    if (errno == EPERM) {
      watch->always_ready = true;
      return 0;
    }
    return -1;
  }
  watch->events = events;
  return 0;
}

void watch_close(struct watch *watch) {
  if (watch->fd < 0)
    return;
  /* Taken out by hand: a copy of the description in a half-made child would keep it in the epoll
   * set. */
  watch_set(watch, 0);
  close(watch->fd);
  watch->fd = -1;
  watch->always_ready = false;
}

void timer_set(struct timer *timer, uint64_t milliseconds) {
  if (timer->at == 0) {
    if (timer_count == TIMERS_MAX)
      return; /* cannot happen: the tables that own timers are smaller */
    timers[timer_count++] = timer;
  }
  timer->at = monotonic_now() + milliseconds * 1000000u;
}

void timer_clear(struct timer *timer) {
  if (timer->at == 0)
    return;
  timer->at = 0;
  for (unsigned i = 0; i < timer_count; i++) {
    if (timers[i] == timer) {
      timers[i] = timers[--timer_count];
      return;
    }
  }
}

static int next_timeout(void) {
  if (timer_count == 0)
    return -1;
  uint64_t first = UINT64_MAX;
  for (unsigned i = 0; i < timer_count; i++)
    if (timers[i]->at < first)
      first = timers[i]->at;
  uint64_t current = monotonic_now();
  if (first <= current)
    return 0;
  uint64_t left = (first - current + 999999u) / 1000000u;
  return left > 3600000u ? 3600000 : (int)left;
}

static void fire_timers(void) {
  uint64_t current = monotonic_now();
  for (unsigned i = 0; i < timer_count;) {
    struct timer *timer = timers[i];
    if (timer->at > current) {
      i++;
      continue;
    }
    timer_clear(timer);
    timer->fire(timer);
    i = 0; /* the handler may have changed the table; what it set anew fires in a later round */
  }
}

void loop_run(void) {
  while (!ending) {
    struct epoll_event event;
    int n = epoll_wait(epoll, &event, 1, next_timeout());
    if (n == 1) {
      struct watch *watch = event.data.ptr;
      watch->ready(watch, event.events);
    }
    if (timer_count > 0)
      fire_timers();
  }
}
