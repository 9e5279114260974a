/**
 * Tasks: the running side of containers.
 *
 * <p>A task's state lives in its shim and its supervisor; here is what must be known without
 * asking: which host process holds it, which processes it has, and their exits, which are on disk
 * before anybody is told.
 *
 * <p>A task's folder ({@link io.berth.base.layout.TaskFolder}) is written before a shim is placed
 * and removed last. After the death of a host process another one adopts its tasks; calls that were
 * under way are repeated under the same number, so nothing is done twice. After a restart of this
 * service the folders are read again.
 */
@NullMarked
package io.berth.containerd.task;

import org.jspecify.annotations.NullMarked;
