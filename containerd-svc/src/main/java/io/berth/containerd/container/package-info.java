/**
 * Containers as people mean them, with names, configuration, states, logs and a restart policy: the
 * domain behind {@code berth.container.v1}.
 *
 * <p>Such a container is a containerd record with a row of its own beside it ({@link
 * io.berth.containerd.container.NamedContainers}), made in one transaction and of the same id, so
 * every containerd client sees it; a record that such a client made has no row and is not shown
 * here. The row has two halves: what the person asked for, and how far the container came ({@link
 * io.berth.containerd.container.Progress}). Whether it runs is asked of its task; a stored
 * "running" is a claim to be checked.
 *
 * <p>The classes are cut by use. {@link io.berth.containerd.container.ContainerCreation}, {@link
 * io.berth.containerd.container.ContainerRuns}, {@link
 * io.berth.containerd.container.ContainerStarts}, {@link
 * io.berth.containerd.container.ContainerStops}, {@link
 * io.berth.containerd.container.ContainerChanges}, {@link
 * io.berth.containerd.container.ContainerRemoval}, {@link
 * io.berth.containerd.container.ContainerExecs} and {@link
 * io.berth.containerd.container.ContainerQueries} do what people ask for. What happens without a
 * person is done by {@code ContainerEndings} (after an exit), {@code ContainerRestarts} (by
 * policy), {@code ContainerRelease} (what is not needed any more), {@code ContainerResumption}
 * (when this service starts) and {@code ContainerHealth}. {@code HostShutdown} ends all of them.
 * {@code RestartMonitor} is for those without a row: it keeps the labels by which clients of
 * containerd want restarts.
 *
 * <p>There is one way to start: prepare files, network and mounts, each by a step that can be
 * repeated, then create and start the task. A restart policy, a reboot and {@code ctr task start}
 * take it too. When the first process has ended, its exit is recorded, the task is removed and the
 * place on the network is given back; then the container rests, runs again, or removes itself.
 * Where that needs a service that is absent, the service is waited for ({@code BackgroundWork}) and
 * the start counts as no attempt; a person is told at once.
 *
 * <pre>
 * ROOT/containers/NAMESPACE/ID/   log, log.1, ...; hosts, hostname, resolv.conf
 *                 health.json     what the health checks of the last run said; health.log: output
 *                 shm             mounted while a container runs whose ipc namespace is shareable
 * </pre>
 */
@NullMarked
package io.berth.containerd.container;

import org.jspecify.annotations.NullMarked;
