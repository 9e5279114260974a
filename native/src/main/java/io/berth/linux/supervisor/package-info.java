/**
 * The Java side of the wire to the small C programs: the supervisor of a container, and the keeper
 * of descriptors. The contract is {@code protocol.h}; a test compiles it and compares every number
 * with {@link io.berth.linux.supervisor.Protocol}.
 *
 * <p>{@link io.berth.linux.supervisor.Supervisor} starts one, {@link
 * io.berth.linux.supervisor.SupervisorClient} connects to one that runs. Either gives a {@link
 * io.berth.linux.supervisor.SupervisorConnection}: requests are answered by futures, what the
 * supervisor tells unasked goes to a {@link io.berth.linux.supervisor.SupervisorListener}. What a
 * container is to become is a {@link io.berth.linux.supervisor.LaunchPlan}, a list of steps in the
 * order in which C carries them out.
 *
 * <p>One {@link io.berth.linux.Poller} thread receives for all connections of a process. Futures
 * complete and listeners are called on that thread: they must not wait there. Waiting for a future
 * on a virtual thread is fine.
 */
@NullMarked
package io.berth.linux.supervisor;

import org.jspecify.annotations.NullMarked;
