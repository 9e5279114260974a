/**
 * The wire: {@code berth.network.v1} served, and containerd-svc's containers followed. The only
 * package here that knows generated types.
 */
@NullMarked
package io.berth.network.api;

import org.jspecify.annotations.NullMarked;
