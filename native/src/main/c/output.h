/* One output of a process: source, present chunk, sinks. Used by stdio_pump.c and attach.c only. */
#ifndef BERTH_OUTPUT_H
#define BERTH_OUTPUT_H

#include "stdio_pump.h"

#define LAG_MAX (256u << 10)

void output_init(struct output *output, uint32_t stream);
/* Moves what can be moved. */
void output_pump(struct output *output);
/* The source has ended (or is given up): flush, close, report. */
void output_finish(struct output *output);
/* From now on at most what lies in the pipe is read. */
void output_cut_off(struct output *output);
void output_add_sink(struct output *output, struct sink *sink);
/* Takes a sink out and closes it, with what it has not taken. */
void output_remove_sink(struct output *output, struct sink *sink);
/* Nothing more is held: no sink used, no source. */
bool output_closed(const struct output *output);
/* Keeps what a SINK_OPEN holds for at least `milliseconds` more; without a call, for ever. */
void output_hold(struct output *output, uint64_t milliseconds);
/* The descriptor is a client's, or was opened by Java: finds out how it may be written without ever
 * blocking. */
void sink_open(struct sink *sink, uint32_t kind, int fd);

#endif
