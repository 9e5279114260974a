/**
 * containerd-svc: the record of containers, and the one socket in front of everything.
 *
 * <p>It serves containerd's own interface on {@code STATE/containerd.sock}: namespaces, containers,
 * tasks, events, introspection and version itself, content, images, snapshots, diff and leases by
 * forwarding bytes to image-svc; and {@code berth.container.v1}, containers as people mean them.
 * Shims live in host processes of their own; this service finds, starts and follows them.
 *
 * <p>Wiring is Dagger's: {@link io.berth.containerd.ContainerdComponent} makes one {@link
 * io.berth.containerd.ContainerdDaemon}; nothing touches disk or network before its start.
 */
@NullMarked
package io.berth.containerd;

import org.jspecify.annotations.NullMarked;
