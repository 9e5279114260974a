/**
 * Where the streams of a process come from and go to. {@link io.berth.shim.stdio.StreamUris} reads
 * the three fields that a client sends; {@link io.berth.shim.stdio.StreamFiles} opens what they
 * name.
 *
 * <p>No byte of them passes through this process: descriptors are handed to the supervisor, which
 * pumps. A program that takes a log is the supervisor's child.
 */
@NullMarked
package io.berth.shim.stdio;

import org.jspecify.annotations.NullMarked;
