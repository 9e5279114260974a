/**
 * containerd-svc keeps the records of containers, and its socket stands in front of image-svc.
 *
 * <p>It serves containerd's own interface on {@code STATE/containerd.sock}: namespaces, containers,
 * tasks, events, introspection and version itself, content, images, snapshots, diff and leases by
 * forwarding bytes to image-svc; and {@code berth.container.v1}, containers with a name, a network
 * and a log. Shims live in processes of their own; this service finds, starts and follows them.
 *
 * <p>Wiring is Dagger's: {@link io.berth.containerd.ContainerdComponent} makes one {@link
 * io.berth.containerd.ContainerdDaemon}; nothing touches disk or network before its start.
 */
@NullMarked
package io.berth.containerd;

import org.jspecify.annotations.NullMarked;
