package io.berth.base.error;

import io.berth.linux.Errno;
import java.util.OptionalInt;

/**
 * Why a process could not be launched, and the only place that turns this into an exit code.
 *
 * @param object what the failure is about: the program as it was given, a folder, a user, an
 *     option; may be empty
 * @param errno the kernel's answer; {@link Errno#UNKNOWN} where no system call failed
 */
public record LaunchFailure(Kind kind, String object, Errno errno) implements ErrorDetail {
  /** The exit code of a program that is not there, as POSIX.1-2017 has it (XCU 2.8.2). */
  public static final int NOT_FOUND = 127;

  /** The exit code of a program that is there and cannot be run, from the same place. */
  public static final int NOT_EXECUTABLE = 126;

  /** What went wrong. The names are those of {@code berth.error.v1.Reason}. */
  public enum Kind {
    /** There is no such program, neither at its path nor in {@code $PATH}. */
    PROGRAM_NOT_FOUND,
    /** The user who should run the program may not. */
    PROGRAM_NOT_EXECUTABLE,
    /** The program is a directory. */
    PROGRAM_IS_DIRECTORY,
    /** The kernel knows nothing that runs such a file. */
    PROGRAM_FORMAT_UNKNOWN,
    /** The kernel refused the program for another reason. */
    PROGRAM_REFUSED,
    /** The working directory cannot be entered. */
    WORKING_DIRECTORY_REFUSED,
    /** A file system could not be mounted. */
    MOUNT_REFUSED,
    /** The user or group is unknown, or could not be taken on. */
    USER_REFUSED,
    /** A limit, a sysctl, a label or another wish was refused. */
    OPTION_REFUSED,
    /** A hook of the specification failed. */
    HOOK_FAILED,
    /** Anything else: nothing that the client asked for is known to be wrong. */
    ENGINE_FAILED
  }

  /** The failure of a program that was looked up or executed and got this answer. */
  public static LaunchFailure ofProgram(String program, Errno errno) {
    Kind kind =
        switch (errno) {
          case ENOENT, ENOTDIR -> Kind.PROGRAM_NOT_FOUND;
          case EACCES, EPERM -> Kind.PROGRAM_NOT_EXECUTABLE;
          case EISDIR -> Kind.PROGRAM_IS_DIRECTORY;
          case ENOEXEC -> Kind.PROGRAM_FORMAT_UNKNOWN;
          default -> Kind.PROGRAM_REFUSED;
        };
    return new LaunchFailure(kind, program, errno);
  }

  /**
   * The exit code that the process would have ended with in a shell, or none where that says
   * nothing and each client has its own.
   *
   * <p>Folders and mounts count as with docker, where what is forbidden ends with 126 and what is
   * missing, or is no folder, is told by the engine: {@code docker run -w} of a file, a mount whose
   * source is not there, a file mounted on a folder. Docker finds that out by searching a text;
   * here only the kernel's answer to this very step counts.
   */
  public OptionalInt exitCode() {
    return switch (kind) {
      case PROGRAM_NOT_FOUND -> OptionalInt.of(NOT_FOUND);
      case PROGRAM_NOT_EXECUTABLE, PROGRAM_IS_DIRECTORY, PROGRAM_FORMAT_UNKNOWN ->
          OptionalInt.of(NOT_EXECUTABLE);
      case WORKING_DIRECTORY_REFUSED, MOUNT_REFUSED ->
          errno == Errno.EACCES ? OptionalInt.of(NOT_EXECUTABLE) : OptionalInt.empty();
      case PROGRAM_REFUSED, USER_REFUSED, OPTION_REFUSED, HOOK_FAILED, ENGINE_FAILED ->
          OptionalInt.empty();
    };
  }

  /**
   * The exit code of any failure on the way to a process: that of its launch if it is one and has
   * one, else the given one of the engine.
   */
  public static int exitCode(BerthException failure, int engineFailed) {
    return failure.detail() instanceof LaunchFailure launch
        ? launch.exitCode().orElse(engineFailed)
        : engineFailed;
  }

  /**
   * The same for a further process in a container that runs: as with docker, whatever keeps the
   * program from running is 126, unless the program is not there.
   */
  public static int exitCodeOfExec(BerthException failure, int engineFailed) {
    return failure.detail() instanceof LaunchFailure launch
        ? launch.exitCode().orElse(NOT_EXECUTABLE)
        : engineFailed;
  }
}
