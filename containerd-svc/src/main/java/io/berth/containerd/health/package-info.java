/**
 * Health checks: a command run inside a container at intervals says whether it does its work.
 *
 * <p>{@link io.berth.containerd.health.HealthCheck} is what is to be done, from the image's
 * settings with the person's over them; {@link io.berth.containerd.health.HealthState} what the
 * results so far mean; {@link io.berth.containerd.health.HealthMonitor} has probes run at their
 * times, with one virtual thread for each container that is checked and none for others. How a
 * command is run is the matter of a {@link io.berth.containerd.health.Prober}, which is implemented
 * where containers are.
 *
 * <p>After each probe the state is written to a file of the container's own, so checking goes on
 * where it was when this service comes back, and what was found last is still there when the
 * container has ended.
 */
@NullMarked
package io.berth.containerd.health;

import org.jspecify.annotations.NullMarked;
