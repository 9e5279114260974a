/**
 * The program {@code berth-shim}: a process that hosts shims. It owns no state and is the parent of
 * nobody; killed at any instant, another adopts its containers.
 *
 * <pre>
 * STATE/h/N/
 *   host.lock    held as long as the process lives
 *   pid          its number
 *   host.sock    berth.host.v1
 * </pre>
 */
@NullMarked
package io.berth.shim;

import org.jspecify.annotations.NullMarked;
