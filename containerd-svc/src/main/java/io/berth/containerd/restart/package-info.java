/**
 * Whether and when a container that ended runs again: {@link
 * io.berth.containerd.restart.RestartRule}, a pure function. Who waits and starts is elsewhere.
 */
@NullMarked
package io.berth.containerd.restart;

import org.jspecify.annotations.NullMarked;
