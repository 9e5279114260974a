package io.berth.base.error;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.berth.base.error.LaunchFailure.Kind;
import io.berth.linux.Errno;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class LaunchFailureTest {
  private static final int ENGINE = 125;

  private static int exitCode(LaunchFailure failure) {
    return LaunchFailure.exitCode(new BerthException.Unknown("x").with(failure), ENGINE);
  }

  @ParameterizedTest
  @CsvSource({
    "ENOENT, PROGRAM_NOT_FOUND, 127",
    "ENOTDIR, PROGRAM_NOT_FOUND, 127",
    "EACCES, PROGRAM_NOT_EXECUTABLE, 126",
    "EPERM, PROGRAM_NOT_EXECUTABLE, 126",
    "EISDIR, PROGRAM_IS_DIRECTORY, 126",
    "ENOEXEC, PROGRAM_FORMAT_UNKNOWN, 126",
    "ETXTBSY, PROGRAM_REFUSED, 125",
    "E2BIG, PROGRAM_REFUSED, 125",
    "ENAMETOOLONG, PROGRAM_REFUSED, 125",
    "ELOOP, PROGRAM_REFUSED, 125",
    "ENOMEM, PROGRAM_REFUSED, 125",
  })
  void aProgramIsNotFoundOrNotExecutable(Errno errno, Kind kind, int code) {
    LaunchFailure failure = LaunchFailure.ofProgram("/bin/x", errno);
    assertEquals(new LaunchFailure(kind, "/bin/x", errno), failure);
    assertEquals(code, exitCode(failure));
  }

  @ParameterizedTest
  @CsvSource({
    "WORKING_DIRECTORY_REFUSED, ENOENT, 125",
    "WORKING_DIRECTORY_REFUSED, ENOTDIR, 125",
    "WORKING_DIRECTORY_REFUSED, EACCES, 126",
    "WORKING_DIRECTORY_REFUSED, ELOOP, 125",
    "MOUNT_REFUSED, ENOENT, 125",
    "MOUNT_REFUSED, ENOTDIR, 125",
    "MOUNT_REFUSED, EISDIR, 125",
    "MOUNT_REFUSED, EACCES, 126",
    "MOUNT_REFUSED, EINVAL, 125",
    "USER_REFUSED, ENOENT, 125",
    "USER_REFUSED, EACCES, 125",
    "OPTION_REFUSED, ENOENT, 125",
    "OPTION_REFUSED, EACCES, 125",
    "HOOK_FAILED, ENOENT, 125",
    "HOOK_FAILED, EACCES, 125",
    "ENGINE_FAILED, ENOENT, 125",
    "ENGINE_FAILED, EACCES, 125",
    "ENGINE_FAILED, UNKNOWN, 125",
  })
  void foldersAndMountsCountAsWithDockerAndTheRestIsTheEngines(Kind kind, Errno errno, int code) {
    assertEquals(code, exitCode(new LaunchFailure(kind, "x", errno)));
  }

  @ParameterizedTest // case L11
  @CsvSource({
    "PROGRAM_NOT_FOUND, ENOENT, 127",
    "PROGRAM_NOT_EXECUTABLE, EACCES, 126",
    "WORKING_DIRECTORY_REFUSED, ENOENT, 126",
    "WORKING_DIRECTORY_REFUSED, ENOTDIR, 126",
    "USER_REFUSED, UNKNOWN, 126",
    "ENGINE_FAILED, EBUSY, 126",
  })
  void inAContainerThatRunsAllButAMissingProgramIsTheSame(Kind kind, Errno errno, int code) {
    BerthException failure =
        new BerthException.Unknown("x").with(new LaunchFailure(kind, "x", errno));
    assertEquals(code, LaunchFailure.exitCodeOfExec(failure, 1));
    assertEquals(1, LaunchFailure.exitCodeOfExec(new BerthException.NotFound("x"), 1));
  }

  // What the words of a client's own say must not count: it may call a user or a program so.
  @ParameterizedTest
  @ValueSource(
      strings = {
        "permission denied",
        "no such file or directory",
        "executable file not found in $PATH",
        "exec format error",
        "is a directory",
        "not a directory",
      })
  void noWordInAnOperandChangesTheCode(String words) {
    assertEquals(ENGINE, exitCode(new LaunchFailure(Kind.USER_REFUSED, words, Errno.EINVAL)));
    assertEquals(ENGINE, exitCode(LaunchFailure.ofProgram(words, Errno.ETXTBSY)));
    assertEquals(127, exitCode(LaunchFailure.ofProgram(words, Errno.ENOENT)));
    assertEquals(126, exitCode(LaunchFailure.ofProgram(words, Errno.EACCES)));
    BerthException other = new BerthException.Unknown("exec: \"x\": " + words);
    assertEquals(ENGINE, LaunchFailure.exitCode(other, ENGINE));
    BerthException named = new BerthException.AlreadyExists("container name `" + words + "`");
    named = named.with(Obstacle.of(Obstacle.Reason.NAME_TAKEN, Obstacle.Kind.CONTAINER, words));
    assertEquals(ENGINE, LaunchFailure.exitCode(named, ENGINE));
  }

  @Test
  void theEnginesCodeIsTheCallersOwn() {
    BerthException failure = new BerthException.Unavailable("image-svc is away");
    assertEquals(128, LaunchFailure.exitCode(failure, 128));
    assertEquals(1, LaunchFailure.exitCode(failure, 1));
  }
}
