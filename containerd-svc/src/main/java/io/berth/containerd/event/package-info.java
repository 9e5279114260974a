/**
 * Events: numbered in one order, and handed to every subscriber through a bounded queue of its own.
 *
 * <p>They come from this service itself (each kind is a record of {@link
 * io.berth.containerd.event.Occurrence}), from clients that publish or forward, and from image-svc,
 * whose outbox is followed. An event is told after what it tells of is committed. A subscriber that
 * falls behind by more than the bound is told so and ended; it loses nothing silently.
 *
 * <p>What people are told, in docker's words, is a stream of its own: {@link
 * io.berth.containerd.event.RecentEvents}, which keeps the last of them in memory.
 *
 * <p>Payloads stay opaque here: {@link io.berth.containerd.event.PayloadCodec} knows their form on
 * the wire.
 */
@NullMarked
package io.berth.containerd.event;

import org.jspecify.annotations.NullMarked;
