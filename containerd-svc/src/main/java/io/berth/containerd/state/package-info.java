/**
 * The contents of the three files that each container has of its own: {@link
 * io.berth.containerd.state.HostsFile}, {@link io.berth.containerd.state.ResolvFile}, and the host
 * name in {@code hostname} (the name and a newline). Pure: texts in, texts out.
 */
@NullMarked
package io.berth.containerd.state;

import org.jspecify.annotations.NullMarked;
