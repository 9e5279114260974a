package io.berth.shim.stdio;

import io.berth.linux.supervisor.Sink;
import java.util.List;

/** What a stream of a process leads to. */
public sealed interface Stream extends Sink.Named {
  /** The stream leads to /dev/null. */
  record None() implements Stream {}

  /** A pipe that a client has made. */
  record Fifo(String path) implements Stream {}

  /** A file to append to; made, with the folders above it, when absent. */
  record AppendFile(String path) implements Stream {}

  /** A log of records, rotated. */
  record LogFile(String path, long maxSizeBytes, int maxFiles) implements Stream {}

  /** Fed or read by whoever attaches. */
  record Attachable() implements Stream {}

  /**
   * A program that reads the output.
   *
   * @param stream which one goes there, 1 or 2
   */
  record LogProgram(String path, List<String> arguments, int stream) implements Stream {}
}
