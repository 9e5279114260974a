/**
 * What a container was asked to be, in the words of this service: immutable records that the wire,
 * the table of containers and the rules of specifications share without depending on each other.
 *
 * <p>{@link io.berth.containerd.settings.NewContainer} is a request, {@link
 * io.berth.containerd.settings.ContainerDescription} what became of it. Requests of clients are
 * translated in {@code io.berth.containerd.api.message}, which keeps the stored form as well
 * ({@link io.berth.containerd.settings.DescriptionCodec}). Zero and empty mean everywhere that
 * nothing was said. Rules that need to know the host are in {@code io.berth.containerd.spec}.
 */
@NullMarked
package io.berth.containerd.settings;

import org.jspecify.annotations.NullMarked;
