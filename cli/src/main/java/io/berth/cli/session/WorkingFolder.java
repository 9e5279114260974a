package io.berth.cli.session;

import java.nio.file.Path;

/**
 * The folder in which a line was typed. Its two sides differ where one process carries out the
 * lines of several callers: the thread of a line has the folder for its own and opens relative
 * paths as they are, while others are told a path that begins at the root.
 */
public final class WorkingFolder {
  private final Path prefix;
  private final Path absolute;

  private WorkingFolder(Path prefix, Path absolute) {
    this.prefix = prefix;
    this.absolute = absolute;
  }

  /**
   * The folder that the calling thread has for its own: relative paths are opened as they are.
   *
   * @param absolute what this folder is called, from the root on
   */
  public static WorkingFolder ofThread(Path absolute) {
    return new WorkingFolder(Path.of(""), absolute);
  }

  /** Another folder, which relative paths are put behind. */
  public static WorkingFolder at(Path folder) {
    if (!folder.isAbsolute()) {
      throw new IllegalArgumentException("folder `" + folder + "`: does not begin at the root");
    }
    return new WorkingFolder(folder, folder);
  }

  /** The path to open for one that was typed. */
  Path open(Path typed) {
    return prefix.resolve(typed);
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
