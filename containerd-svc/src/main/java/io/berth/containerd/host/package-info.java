/**
 * Host processes of shims: {@code STATE/h/N/} each, found again by folder and socket.
 *
 * <pre>
 * h/N/host.sock   berth.host.v1.Host
 * h/N/log         its stdout and stderr
 * h/N/lock, pid   written by the process itself
 * </pre>
 *
 * <p>A host process belongs to no namespace until its first placement and then to that one for
 * ever. {@link io.berth.containerd.host.HostPool} keeps some warm, chooses one for each task,
 * follows what each tells, and says at once when one is gone; its tasks are then adopted by
 * another. A process that this service left behind at its own end is found again; one of another
 * build is drained.
 */
@NullMarked
package io.berth.containerd.host;

import org.jspecify.annotations.NullMarked;
