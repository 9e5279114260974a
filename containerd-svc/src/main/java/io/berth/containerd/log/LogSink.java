package io.berth.containerd.log;

/** Who receives a log. */
@FunctionalInterface
public interface LogSink {
  /** Takes the next entry; may block, which holds the reader up and nobody else. */
  void accept(LogEntry entry) throws InterruptedException;
}
