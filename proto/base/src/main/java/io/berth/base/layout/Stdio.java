package io.berth.base.layout;

/**
 * Where the streams of a process lead, as a client names them: nothing for {@code /dev/null}, the
 * path of a FIFO, or a URI of the schemes {@code fifo}, {@code file}, {@code binary} (containerd's)
 * and {@code berth-log}, {@code berth-attach} (this engine's). The shim reads them.
 *
 * @param terminal whether the process has a terminal; its stdout then carries everything that the
 *     terminal shows, and stderr is not used
 */
public record Stdio(String stdin, String stdout, String stderr, boolean terminal) {
  /** No stream leads anywhere. */
  public static final Stdio NONE = new Stdio("", "", "", false);
}
