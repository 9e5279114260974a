package io.berth.cli.session;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The folder in which a line was typed. Its two sides differ where one process carries out the
 * lines of several callers: the thread of a line has the folder for its own and opens relative
 * paths as they are, while others are told a path that begins at the root.
 */
public final class WorkingFolder {
  private final Path prefix;
  private final Path absolute;
  private final @Nullable CallersFiles callers;

  private WorkingFolder(Path prefix, Path absolute, @Nullable CallersFiles callers) {
    this.prefix = prefix;
    this.absolute = absolute;
    this.callers = callers;
  }

  /**
   * The folder that the calling thread has for its own: relative paths are opened as they are.
   *
   * @param absolute what this folder is called, from the root on
   */
  public static WorkingFolder ofThread(Path absolute) {
    return new WorkingFolder(Path.of(""), absolute, null);
  }

  /**
   * As {@link #ofThread(Path)}, for a caller that is another process.
   *
   * @param pid the caller, whose own files {@code /dev/stdin} and the like are
   */
  public static WorkingFolder ofThread(Path absolute, int pid) {
    return new WorkingFolder(Path.of(""), absolute, new CallersFiles(pid));
  }

  /** Another folder, which relative paths are put behind. */
  public static WorkingFolder at(Path folder) {
    if (!folder.isAbsolute()) {
      throw new IllegalArgumentException("folder `" + folder + "`: does not begin at the root");
    }
    return new WorkingFolder(folder, folder, null);
  }

  /** The path to open for one that was typed. */
  Path open(Path typed) {
    Path other = callers == null ? null : callers.instead(absolute.resolve(typed));
    return other == null ? prefix.resolve(typed) : other;
  }

  /** What a path that was typed is called from the root on. */
  Path absolute(Path typed) {
    return absolute.resolve(typed);
  }

  /** What the folder itself is called from the root on. */
  Path absolute() {
    return absolute;
  }
}
