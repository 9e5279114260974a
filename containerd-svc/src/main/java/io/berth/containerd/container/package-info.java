/**
 * {@code berth.container.v1}: containers as people mean them, with names, configuration, states,
 * logs and a restart policy.
 *
 * <p>Such a container is a containerd record with a row of ours beside it, made in one transaction
 * and of the same id, so every containerd client sees it; a record that a client made has no row
 * and is not shown here. The row has two halves: what the person asked for, and how far the
 * container came ({@link io.berth.containerd.container.Progress}). Whether it runs is asked of its
 * task; a saved "running" is a claim to be checked.
 *
 * <p>There is one way to start: prepare (files, network, mounts, each by an idempotent call), then
 * the task's Create and Start. A restart policy, a reboot and {@code ctr task start} take it too.
 * When the init has ended its exit is recorded, the task removed, the endpoint given back; then the
 * container rests, runs again, or removes itself. Where that needs a service that is absent, it is
 * waited for ({@link io.berth.containerd.container.BackgroundWork}) and was no attempt; a client is
 * told at once.
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
