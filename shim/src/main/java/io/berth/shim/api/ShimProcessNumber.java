package io.berth.shim;

/**
 * Which host process of an instance this is.
 *
 * @param warm whether it warms itself before it answers
 */
record HostNumber(int value, boolean warm) {}
