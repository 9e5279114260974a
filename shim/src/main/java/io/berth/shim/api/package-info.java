/**
 * The wire: {@code containerd.task.v3.Task} (and v2, which differs in its package only) on a socket
 * for each container, {@code berth.host.v1.Host} on the process's own.
 *
 * <p>{@link io.berth.shim.api.ShimTable} are the containers that this process holds: each has an
 * endpoint and a socket of its own, and a graph of objects that it shares with no other.
 */
@NullMarked
package io.berth.shim.api;

import org.jspecify.annotations.NullMarked;
