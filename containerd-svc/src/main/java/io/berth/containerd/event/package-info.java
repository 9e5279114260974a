/**
 * Events: numbered in one order, handed to every subscriber through a bounded queue of its own.
 *
 * <p>Producers are this service's own tables (containers, namespaces, tasks), clients that publish
 * or forward, and image-svc, whose outbox is followed. An event is told after what it tells of is
 * committed. A subscriber that falls behind by more than the bound is told and ended; it loses
 * nothing silently.
 */
@NullMarked
package io.berth.containerd.event;

import org.jspecify.annotations.NullMarked;
