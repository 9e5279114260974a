/*
 * Log files: `<RFC 3339, nanoseconds, Z> <stdout|stderr> <F|P> <bytes>\n`. F ends a line; P says
 * that the line goes on in the next record of the same stream (cut at LOG_LINE_MAX, or the output
 * ended without a newline). Bounded by rotation; what the disk does not take is dropped, counted,
 * and never leaves half a record behind.
 */
#ifndef BERTH_LOG_SINK_H
#define BERTH_LOG_SINK_H

#include <stdint.h>

#include "fail.h"

#define LOG_LINE_MAX 16384u

struct log_writer;

/* Both outputs of a process may share a file: the second open of the same name in the same folder
 * gives the same writer. */
struct log_writer *log_open(int folder, const char *name, uint64_t max_size, uint32_t max_files,
                            struct failure *failure);
void log_write(struct log_writer *log, uint32_t stream, const uint8_t *bytes, uint32_t length);
/* Writes what is left of an unfinished line. */
void log_flush(struct log_writer *log, uint32_t stream);
void log_close(struct log_writer *log);

#endif
