/**
 * Tasks: the running side of containers.
 *
 * <p>What a task does is known to its shim and its supervisor; here is what must be known without
 * asking: which shim process has it, which processes it has, and their exits, which are on disk
 * before anybody is told. {@link io.berth.containerd.task.Tasks} is what the rest of this service
 * calls.
 *
 * <p>A task's {@linkplain io.berth.base.layout.TaskFolder folder} is written before a shim is
 * placed and removed last. After the death of a shim process another one takes over its tasks;
 * calls that were under way are repeated under the same number, so nothing is done twice. After a
 * restart of this service the folders are read again ({@link io.berth.containerd.task.Recovery}).
 *
 * <p>Transitions are in two places: {@code ProcessState} has those of one process, {@code Task}
 * those of the task as a whole.
 */
@NullMarked
package io.berth.containerd.task;

import org.jspecify.annotations.NullMarked;
