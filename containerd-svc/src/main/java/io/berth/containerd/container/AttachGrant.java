package io.berth.containerd.container;

import java.nio.file.Path;

/**
 * What a client needs to attach to the streams of a process.
 *
 * @param socket where the supervisor listens
 * @param token 32 bytes that the supervisor accepts once; the receiver owns them
 * @param terminal whether the process has a terminal
 * @param openInput whether the process has input
 * @param execId the process; empty for the container's first one
 */
@SuppressWarnings("ArrayRecordComponent") // Made once, given away at once; never compared.
public record AttachGrant(
    Path socket, byte[] token, boolean terminal, boolean openInput, String execId) {}
