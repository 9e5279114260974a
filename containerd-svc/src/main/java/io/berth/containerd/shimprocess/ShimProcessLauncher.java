package io.berth.containerd.shimprocess;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Starts shim processes: the seam at which tests put processes of their own. */
public interface ShimProcessLauncher {
  /** ABSENT, which says why, while no container could live here. */
  void check();

  /**
   * A process that was started.
   *
   * @param pid known before the process itself has told it: it may be stopped before that
   * @param ended completes when it has ended
   */
  record Launched(int pid, CompletableFuture<Void> ended) {}

  /** Starts process {@code number}, whose folder exists; it will listen on the socket there. */
  Launched launch(int number) throws IOException;

  /** Completes when a process that was found running has ended; null if it cannot be watched. */
  @Nullable CompletableFuture<Void> watch(int pid);

  /** Whether a process is at work, or would be if the machine had time for it. */
  boolean isBusy(int pid);

  /**
   * Kills a shim process that does not answer any more; another program with that pid is spared.
   */
  void kill(int pid);

  /** The build that a shim process of the installed programs tells; empty if it is not known. */
  String build();
}
