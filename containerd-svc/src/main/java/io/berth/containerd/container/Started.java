package io.berth.containerd.container;

import org.jspecify.annotations.Nullable;

/**
 * The answer to a start.
 *
 * @param already whether it was running before
 * @param pid of the process, as the host sees it
 * @param attachment for a client that wanted to attach, else null
 */
public record Started(boolean already, int pid, @Nullable AttachGrant attachment) {}
