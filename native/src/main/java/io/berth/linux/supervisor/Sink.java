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
   * @param fd outputs: opened {@code O_RDWR|O_NONBLOCK}; input: {@code O_RDONLY|O_NONBLOCK}
   * @param writeEnd input: held until the process's input is closed; else null
   */
  record Fifo(Fd fd, @Nullable Fd writeEnd) implements Sink {}

  /** A file to which raw bytes are appended; opened with {@code O_APPEND}. */
  record File(Fd fd) implements Sink {}

  /**
   * A log, a line for each record, cut at 16,384 bytes.
   *
   * @param folder in which it stands
   * @param maxSizeBytes it is rotated above; 0 for never
   * @param maxFiles how many are kept: name, name.1, ...
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
