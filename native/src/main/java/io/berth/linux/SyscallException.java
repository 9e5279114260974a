package io.berth.linux;

import java.io.IOException;

/**
 * The kernel refused a call. The text is one line: the call, what it was about, the error's name
 * and its meaning. The layer that knows what the error means there translates it; no other layer
 * needs to touch it.
 */
public final class SyscallException extends IOException {
  private final String syscall;
  private final String subject;
  private final int number;

  /**
   * @param syscall the name of the call, or of the operation made of several calls
   * @param subject the path, descriptor or id that it was about; may be empty
   * @param number the positive error number
   */
  public SyscallException(String syscall, String subject, int number) {
    super(line(syscall, subject, number));
    this.syscall = syscall;
    this.subject = subject;
    this.number = number;
  }

  /** As the other constructor, for an error that has a name. */
  public SyscallException(String syscall, String subject, Errno errno) {
    this(syscall, subject, errno.number());
  }

  /** The message, in one line. */
  @Override
  public String getMessage() {
    return line(syscall, subject, number);
  }

  /** The name of the call. */
  public String syscall() {
    return syscall;
  }

  /** What the call was about; may be empty. */
  public String subject() {
    return subject;
  }

  /** The error by name. */
  public Errno errno() {
    return Errno.of(number);
  }

  /** The error number as the kernel gave it. */
  public int number() {
    return number;
  }

  /** Whether this is the given error. */
  public boolean is(Errno errno) {
    return number == errno.number();
  }

  private static String line(String syscall, String subject, int number) {
    Errno errno = Errno.of(number);
    String cause =
        errno == Errno.UNKNOWN ? "error " + number : errno.name() + " (" + errno.text() + ")";
    return subject.isEmpty() ? syscall + ": " + cause : syscall + " `" + subject + "`: " + cause;
  }
}
