package io.berth.containerd.settings;

import java.util.List;

/**
 * A further process to be run in a container that runs.
 *
 * @param container the container as its creator named it, for what is told
 * @param command program and arguments
 * @param terminal whether it has a terminal of its own
 * @param openInput whether it has input
 * @param attachOutput whether a client will attach to its standard output
 * @param attachErrors whether a client will attach to its standard error
 * @param environment entries over the container's
 * @param user {@code USER} or {@code USER:GROUP}; empty for the container's
 * @param workingDirectory an absolute path inside; empty for the container's
 * @param privileged whether it has every capability that the host gives
 * @param size of its terminal to begin with
 */
public record ExecSettings(
    String container,
    List<String> command,
    boolean terminal,
    boolean openInput,
    boolean attachOutput,
    boolean attachErrors,
    List<String> environment,
    String user,
    String workingDirectory,
    boolean privileged,
    TerminalSize size) {
  public ExecSettings {
    command = List.copyOf(command);
    environment = List.copyOf(environment);
  }

  /** A command of the engine's own, without streams that a client sees. */
  public static ExecSettings unattended(String container, List<String> command) {
    return new ExecSettings(
        container,
        command,
        false,
        false,
        false,
        false,
        List.of(),
        "",
        "",
        false,
        TerminalSize.UNKNOWN);
  }
}
