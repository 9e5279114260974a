package io.berth.containerd.settings;

/**
 * The standard streams of a container's first process.
 *
 * @param terminal whether it has a terminal of its own (pty(7)) instead of pipes
 * @param openInput whether its input stays open while nobody is attached
 * @param inputOnce whether its input ends with that of the first client that attaches
 */
public record StreamSettings(boolean terminal, boolean openInput, boolean inputOnce) {
  /** Pipes, and no input: what holds where a request says nothing. */
  public static final StreamSettings PIPES = new StreamSettings(false, false, false);
}
