/**
 * A container as a document (OCI runtime-spec 1.x, Linux): {@link io.berth.oci.runtime.RuntimeSpec}
 * is {@code config.json}, {@link io.berth.oci.runtime.ProcessSpec} the process in it, which an exec
 * brings as a document of its own.
 *
 * <p>Reading is lenient as other runtimes are: unknown fields are ignored, absent lists are empty,
 * and what a field means is judged where it is used. Numbers that the specification has as unsigned
 * 64 bits are kept in a {@code long} with the same bits.
 *
 * <p>Pure: no files, no threads.
 */
@NullMarked
package io.berth.oci.runtime;

import org.jspecify.annotations.NullMarked;
