package io.berth.containerd.log;

/** Receives the entries of a log. */
@FunctionalInterface
public interface LogSink {
  /** Takes the next entry; may block, which holds up its reader only. */
  void accept(LogEntry entry) throws InterruptedException;
}
