package io.berth.linux.supervisor;

import io.berth.linux.Fd;
import org.jspecify.annotations.Nullable;

/**
 * Where a stream of a process comes from or goes to. Descriptors are borrowed until the plan has
 * been carried out.
 */
public sealed interface Sink {
  /** The null device, which is also what a stream without any sink gets. */
  record Null() implements Sink {}

  /**
   * A client's named pipe. Output to it stops the process while nobody reads; nothing is dropped.
   *
   * @param fd for an output the pipe is opened with {@code O_RDWR|O_NONBLOCK}, for the input with
   *     {@code O_RDONLY|O_NONBLOCK}
   * @param writeEnd for the input, the other end, which keeps the pipe from ending until the
   *     process's input is closed; null for an output
   */
  record Fifo(Fd fd, @Nullable Fd writeEnd) implements Sink {}

  /** A file to which raw bytes are appended; opened with {@code O_APPEND}. */
  record File(Fd fd) implements Sink {}

  /**
   * A log, a line for each record, cut at 16,384 bytes.
   *
   * @param folder the folder in which the log stands
   * @param maxSizeBytes the size above which it is rotated; 0 if it never is
   * @param maxFiles the number of files that are kept: name, name.1, ...
   */
  record Log(Fd folder, String name, long maxSizeBytes, int maxFiles) implements Sink {}

  /** A pipe without a client yet; whoever attaches feeds or reads it. */
  record Open() implements Sink {}

  /**
   * One that only whoever makes the plan knows by name; {@link LaunchPlan.Sinks} opens it when the
   * plan is encoded.
   */
  non-sealed interface Named extends Sink {}

  /** A log program's pipe: raw bytes; once it is closed there, output is read and thrown away. */
  record Pipe(Fd fd) implements Sink {}
}
