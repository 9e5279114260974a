package io.berth.linux.supervisor;

import io.berth.linux.Errno;
import java.io.IOException;

/**
 * The supervisor refused a request, or a step of a plan failed; it says which, on what, and why.
 */
public final class SupervisorException extends IOException {
  private final int number;
  private final int step;
  private final int stepCode;
  private final String operation;
  private final String object;

  SupervisorException(int number, int step, int stepCode, String operation, String object) {
    super(line(number, operation, object));
    this.number = number;
    this.step = step;
    this.stepCode = stepCode;
    this.operation = operation;
    this.object = object;
  }

  /** The error by name. */
  public Errno errno() {
    return Errno.of(number);
  }

  /** Whether this is the given error. */
  public boolean is(Errno errno) {
    return number == errno.number();
  }

  /** The message, in one line. */
  @Override
  public String getMessage() {
    return line(number, operation, object);
  }

  /** The error's number. */
  public int number() {
    return number;
  }

  /** Which step of the plan it was, from 0, or -1 if it was none. */
  public int step() {
    return step;
  }

  /** The code of that step, a {@code STEP_*} of {@code protocol.h}, or 0. */
  public int stepCode() {
    return stepCode;
  }

  /** Whether it was the execution itself; then {@link #object} is the program. */
  public boolean isOfExecution() {
    return stepCode == Protocol.STEP_EXEC;
  }

  /** Whether it was the filter of system calls: its loading, or what it forbids. */
  public boolean isOfFilter() {
    return stepCode == Protocol.STEP_SECCOMP;
  }

  /** Whether it was a hook; then {@link #object} is its path, a colon and what it said. */
  public boolean isOfHook() {
    return stepCode == Protocol.STEP_HOOK;
  }

  /** Whether it was the handing over to a filter's listener; then {@link #object} is its path. */
  public boolean isOfListener() {
    return stepCode == Protocol.STEP_LISTENER;
  }

  /** What was tried. */
  public String operation() {
    return operation;
  }

  /** The path or name it was about; may be empty. */
  public String object() {
    return object;
  }

  private static String line(int number, String operation, String object) {
    Errno errno = Errno.of(number);
    String cause =
        errno == Errno.UNKNOWN ? "error " + number : errno.name() + " (" + errno.text() + ")";
    return operation + (object.isEmpty() ? "" : " `" + object + "`") + ": " + cause;
  }
}
