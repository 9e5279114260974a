/**
 * Shim processes: programs ({@code berth-shim}) that host the shims of many containers. Each has a
 * {@linkplain io.berth.base.layout.ShimProcessFolder folder} under the state folder, by which it is
 * found again.
 *
 * <p>A shim process belongs to no namespace until a task is placed on it, and from then on to the
 * namespace of that task. {@link io.berth.containerd.shimprocess.ShimProcesses} keeps some free and
 * warmed up, chooses one for each task, follows what each tells, and says at once when one is gone;
 * another then takes over its tasks. A process that this service left behind at its own end is
 * found again; one of another build is drained.
 *
 * <p>{@link io.berth.containerd.shimprocess.ShimProcessConnection} and {@link
 * io.berth.containerd.shimprocess.ShimCalls} say in this service's own words what can be asked of
 * such a process and of the shims in it. The client package speaks the wire for them.
 */
@NullMarked
package io.berth.containerd.shimprocess;

import org.jspecify.annotations.NullMarked;
