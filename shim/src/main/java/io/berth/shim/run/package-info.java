/**
 * A container's life, from Create to Delete.
 *
 * <p>{@link io.berth.shim.run.ContainerTask} is one container, {@link
 * io.berth.shim.run.TaskCommands} what clients can have done with it, {@link
 * io.berth.shim.run.TaskExecs} the processes that were added to it. It is made by {@link
 * io.berth.shim.run.TaskCreation}, or by {@link io.berth.shim.run.TaskAdoption} from what another
 * shim process left; {@link io.berth.shim.run.TaskDeletion} ends it. It owns nothing that would be
 * lost with this process: the supervisor is the parent of the container's processes and keeps their
 * exits, and the task's folder ({@link io.berth.base.layout.TaskFolder}) has the rest.
 *
 * <p>Threads: methods block and are called on virtual threads; waits for the supervisor park them.
 * What the supervisor tells unasked arrives on the poller's thread and is dealt with on a virtual
 * one.
 */
@NullMarked
package io.berth.shim.run;

import org.jspecify.annotations.NullMarked;
