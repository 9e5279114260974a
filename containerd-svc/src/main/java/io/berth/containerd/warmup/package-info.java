/**
 * The warm-up of this service after its start: it is its own first client, for the first container
 * of a young JVM takes ten times as long as the hundredth.
 *
 * <p>{@link io.berth.containerd.warmup.WarmUp} says how often and how it ends, {@link
 * io.berth.containerd.client.WarmUpClient} what one round is. All of it happens in a namespace that
 * no client can name and no list shows ({@link io.berth.base.id.Identifier#WARM_UP_NAMESPACE}).
 */
@NullMarked
package io.berth.containerd.warmup;

import org.jspecify.annotations.NullMarked;
