/*
 * The last results of changing operations, by request id: a controller that repeats a request after
 * a hand-over is given the remembered answer, or joins the one that is still in progress, and
 * nothing is done twice.
 */
#ifndef BERTH_RESULTS_H
#define BERTH_RESULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "fail.h"
#include "process.h"

#define RESULTS_MAX 64u
#define RESULT_PAYLOAD_MAX 4608u

enum result_state { RESULT_NEW, RESULT_KNOWN };

/*
 * Registers a request. RESULT_NEW: carry it out and answer it. RESULT_KNOWN: it has been answered
 * from memory, or will be answered when the operation in progress ends. False (EUSERS): everything
 * remembered is still in progress.
 */
bool results_begin(uint64_t request, uint16_t op, enum result_state *state);
/* Answers a request; `pidfd_of` lends its pidfd. */
void results_answer(uint64_t request, const void *payload, uint32_t length,
                    const struct process *pidfd_of);
void results_fail(uint64_t request, const struct failure *failure);
/* Sends what could not be sent; false when the socket is still full. */
bool results_flush(void);
bool results_unsent(void);
/* Forgets who waits, for a new controller hears only what it asks again. */
void results_forget_waiters(void);

#endif
