#ifndef SIGNALS_H
#define SIGNALS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/signalfd.h>

/* Blocks what can be passed on, and answers a signalfd for it; -1 on failure. */
int signals_take(void);

/* Undoes signals_take. */
void signals_give_back(void);

/* The signals that this process ignores, bit 0 is signal 1. */
uint64_t signals_ignored(void);

/* Whether a signal was meant for this process at all. */
bool signals_meant(const struct signalfd_siginfo *info);

/*
 * Does to this process what the signal does to one that has not asked for anything else. Returns
 * if that is nothing, or when the process goes on after it was stopped.
 */
void signals_effect(int number);

#endif
