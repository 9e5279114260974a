package io.berth.containerd.host;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Starts host processes: the seam at which tests put a host of their own. */
public interface HostLauncher {
  /**
   * Starts number {@code number}, whose folder exists; it will listen on {@code host.sock} there.
   * The answer completes when the process has ended.
   */
  CompletableFuture<Void> launch(int number) throws IOException;

  /** Completes when a process that was found running has ended; null if it cannot be watched. */
  @Nullable CompletableFuture<Void> watch(int pid);

  /** Makes sure that a process which does not answer any more does nothing any more. */
  void kill(int pid);

  /** What a host process of the installed programs says in its status; empty: not known. */
  String build();
}
