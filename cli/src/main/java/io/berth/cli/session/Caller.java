package io.berth.cli.session;

import io.berth.linux.SyscallException;
import io.berth.linux.Terminal;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Everything that a command line has from whoever typed it. Below the program's entry point nothing
 * asks this process for its environment, folder, streams or signals, so that one process can carry
 * out the lines of several callers.
 *
 * @param environment the caller's variables
 * @param folder where relative paths begin
 * @param signals what the caller sends while the line is carried out
 * @param descriptors the kernel's side of the three streams; null if they have none, and then
 *     nothing can be handed to another process and no terminal is there
 */
public record Caller(
    InputStream in,
    PrintStream out,
    PrintStream err,
    Map<String, String> environment,
    WorkingFolder folder,
    Signals signals,
    @Nullable Descriptors descriptors) {
  public Caller {
    environment = Map.copyOf(environment);
  }

  /**
   * The caller's time zone: what its variable TZ names (tzset(3)), else this machine's, which the
   * process has read together with TZ in its other forms.
   */
  public ZoneId zone() {
    String name = environment.getOrDefault("TZ", "").replaceFirst("^:", "");
    return ZoneId.getAvailableZoneIds().contains(name) ? ZoneId.of(name) : ZoneId.systemDefault();
  }

  /**
   * The path to open for one that was typed, seen from the caller's folder; for the line's own
   * threads only.
   */
  public Path path(Path typed) {
    return folder.open(typed);
  }

  /** The path to open for one that was typed, as {@link #path(Path)}. */
  public Path path(String typed) {
    return path(Path.of(typed));
  }

  /** What a path that was typed is called from the root on, for others to open. */
  public Path absolute(Path typed) {
    return folder.absolute(typed);
  }

  /** What a path that was typed is called from the root on, for others to open. */
  public Path absolute(String typed) {
    return absolute(Path.of(typed));
  }

  /** The paths to open for those that were typed, as {@link #path(Path)}. */
  public List<Path> paths(List<Path> typed) {
    return typed.stream().map(this::path).toList();
  }

  /** Whether standard input is a terminal. */
  public boolean readsTerminal() {
    Descriptors own = descriptors;
    return own != null && Terminal.isTerminal(own.in());
  }

  /** Whether standard output is a terminal. */
  public boolean writesTerminal() {
    Descriptors own = descriptors;
    return own != null && Terminal.isTerminal(own.out());
  }

  /** Whether standard error is a terminal. */
  public boolean complainsOnTerminal() {
    Descriptors own = descriptors;
    return own != null && Terminal.isTerminal(own.err());
  }

  /** The size of the terminal at standard input, or else at standard output, if there is one. */
  public Optional<Terminal.Size> terminalSize() {
    Descriptors own = descriptors;
    if (own == null || !(readsTerminal() || writesTerminal())) {
      return Optional.empty();
    }
    try {
      return Optional.of(Terminal.size(readsTerminal() ? own.in() : own.out()));
    } catch (SyscallException e) {
      return Optional.empty();
    }
  }
}
