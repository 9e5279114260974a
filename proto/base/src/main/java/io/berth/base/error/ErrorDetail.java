package io.berth.base.error;

/**
 * What a program may know of a failure beside its class, so that no program has to search a text. A
 * {@link BerthException} carries at most one, also across a socket: {@link ErrorDetails} puts it
 * into the trailers of the call. Everything that may stand on the wire is described in {@code
 * berth/error/v1/error.proto}.
 */
public sealed interface ErrorDetail permits LaunchFailure, Obstacle {}
