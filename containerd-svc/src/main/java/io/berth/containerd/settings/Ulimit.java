package io.berth.containerd.settings;

/**
 * A limit of setrlimit(2).
 *
 * @param name with or without {@code RLIMIT_}, in any case
 * @param soft unsigned; what a process meets
 * @param hard unsigned; how far a process may raise its soft limit
 */
public record Ulimit(String name, long soft, long hard) {}
