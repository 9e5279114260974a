package io.berth.containerd.log;

import io.berth.base.error.BerthException;
import io.berth.containerd.settings.LogSettings;
import java.nio.file.Path;

/**
 * The ways in which a container's output can be kept. A driver that is added has its words checked
 * and its target named here, and nowhere else.
 */
public final class LogDrivers {
  private static final String LOCAL = "local";
  private static final String NONE = "none";

  private LogDrivers() {}

  /** INVALID_ARGUMENT for a driver that there is not, and for options that it does not take. */
  public static void check(LogSettings settings) {
    LogDetails.check(settings.options());
    switch (settings.driver()) {
      case "", LOCAL -> {
        // Every size and every count of files is fine.
      }
      case NONE -> {
        if (settings.maxSize() != 0 || settings.maxFiles() != 0) {
          throw new BerthException.InvalidArgument(
              "log driver `none`: keeps nothing, so it takes no max-size and no max-file");
        }
      }
      default ->
          throw new BerthException.InvalidArgument(
              "log driver `" + settings.driver() + "`: there are local and none");
    }
  }

  /** Whether there will be files that can be read afterwards. */
  public static boolean keepsFiles(LogSettings settings) {
    return !settings.driver().equals(NONE);
  }

  /**
   * Where the supervisor sends the output.
   *
   * @param file the container's log
   * @param maxSize bytes above which a file is rotated where the settings say nothing
   * @param maxFiles how many files are kept where the settings say nothing
   */
  public static String target(LogSettings settings, Path file, long maxSize, long maxFiles) {
    if (!keepsFiles(settings)) {
      // A client that attaches still gets what is written from then on.
      return "file:///dev/null";
    }
    return target(
        file,
        settings.maxSize() > 0 ? settings.maxSize() : maxSize,
        settings.maxFiles() > 0 ? settings.maxFiles() : maxFiles);
  }

  /** A file that the supervisor writes, and rotates above so many bytes. */
  public static String target(Path file, long maxSize, long maxFiles) {
    return "berth-log://" + file + "?max_size=" + maxSize + "&max_files=" + maxFiles;
  }
}
