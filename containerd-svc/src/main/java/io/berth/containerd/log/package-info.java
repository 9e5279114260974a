/**
 * Reads what containers wrote: {@link io.berth.containerd.log.LogReader} over the files {@code
 * log}, {@code log.1}, {@code log.2} and so on (the highest number is the oldest), which a
 * supervisor writes and rotates by renaming.
 *
 * <p>A file is lines {@code TIME STREAM TAG BYTES}: RFC 3339 with nanoseconds in UTC, {@code
 * stdout} or {@code stderr}, {@code F} where the container ended the line and {@code P} where it
 * was cut after 16384 bytes or by the end of the stream. Any other line is passed over, because the
 * files lie on a disk that can be full, and can be cut or written by others.
 *
 * <p>Readers hold a file by an open channel, so renaming and removal take nothing from them that
 * they have begun; memory is one buffer, whatever the lengths of lines and files.
 */
@NullMarked
package io.berth.containerd.log;

import org.jspecify.annotations.NullMarked;
