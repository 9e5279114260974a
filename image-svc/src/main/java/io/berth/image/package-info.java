/**
 * The program {@code berth-image}: images and layers of one instance, on one Unix socket.
 *
 * <pre>
 *   api       endpoints: containerd's content, images, snapshots, diff, leases; our own images, rootfs, volumes, outbox
 *   rootfs, archive, registry, library      what a person means by an image
 *   diff, unpack, tree, tar, codec          layers as files and as archives
 *   content, snapshot, name, lease, gc      what is stored, and for how long
 *   meta, event, disk                       records, their events, their files
 * </pre>
 *
 * <p>Each line uses the lines below it. The objects are wired by {@link
 * io.berth.image.ImageComponent}; making them does no I/O.
 */
@NullMarked
package io.berth.image;

import org.jspecify.annotations.NullMarked;
