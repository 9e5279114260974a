package io.berth.containerd.task;

import io.berth.base.layout.Stdio;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** The init of a task, or an exec. Fields are guarded by the task's lock. */
final class TaskProcess {
  private final String execId;
  private final CompletableFuture<Exit> told = new CompletableFuture<>();
  int pid;

  /** Null if an earlier life of this service made the process: its shim knows. */
  @Nullable Stdio stdio;

  /** A Start is under way; its event comes before that of an exit. */
  boolean starting;

  boolean started;

  /** The exit was read from the table at the start of this service. */
  boolean restored;

  /** Recorded for good, but perhaps not told yet. */
  @Nullable Exit exit;

  TaskProcess(String execId) {
    this.execId = execId;
  }

  /** Empty for the init. */
  String execId() {
    return execId;
  }

  boolean isInit() {
    return execId.isEmpty();
  }

  /** Completes when the exit's event has been published: what Wait answers. */
  CompletableFuture<Exit> told() {
    return told;
  }
}
