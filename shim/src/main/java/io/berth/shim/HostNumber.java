package io.berth.shim;

/** Which host process of an instance this is. */
record HostNumber(int value) {}
