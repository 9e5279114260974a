package io.berth.shim.api;

/**
 * The number of a shim process within its instance.
 *
 * @param value 0 to 999999
 */
public record ShimProcessNumber(int value) {}
