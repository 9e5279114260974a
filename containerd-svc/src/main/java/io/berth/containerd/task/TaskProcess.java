package io.berth.containerd.task;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.layout.Stdio;
import io.berth.containerd.shimprocess.ProcessReport;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The init of a task, or an exec. Its state changes under the lock of its task, which whoever tells
 * of a change holds until it is told, so that events keep their order. Thread-safe.
 */
final class TaskProcess {
  private final String execId;
  private final @Nullable Stdio stdio;
  private final ReentrantLock lock;
  private final CompletableFuture<Exit> told = new CompletableFuture<>();

  @GuardedBy("lock")
  private ProcessState state = ProcessState.initial();

  /**
   * @param execId empty for the init
   * @param stdio null if an earlier life of this service made the process: its shim knows
   */
  TaskProcess(String execId, @Nullable Stdio stdio, ReentrantLock lock) {
    this.execId = execId;
    this.stdio = stdio;
    this.lock = lock;
  }

  /** Empty for the init. */
  String execId() {
    return execId;
  }

  boolean isInit() {
    return execId.isEmpty();
  }

  ProcessState state() {
    lock.lock();
    try {
      return state;
    } finally {
      lock.unlock();
    }
  }

  /** Moves to another state; answers the one before. */
  ProcessState change(UnaryOperator<ProcessState> transition) {
    lock.lock();
    try {
      ProcessState before = state;
      state = transition.apply(before);
      return before;
    } finally {
      lock.unlock();
    }
  }

  /** Its program runs, or ran; answers whether clients have to be told so. */
  boolean started(int pid) {
    return !change(before -> before.started(pid)).wasStarted() && state().wasStarted();
  }

  /** Its exit is on record from an earlier life of this service, and Wait answers it. */
  void restore(Exit exit) {
    var _ = change(_ -> new ProcessState.Restored(exit.pid(), exit));
    told.complete(exit);
  }

  /** An exit that was restored and turns out not to have been told; null if there is none. */
  @Nullable Exit repeated() {
    ProcessState before =
        change(state ->
            state instanceof ProcessState.Restored(int pid, Exit exit)
                ? new ProcessState.Ended(pid, /* started= */ true, exit)
                : state);
    return before instanceof ProcessState.Restored restored ? restored.exit() : null;
  }

  /** An exit that is on record, and has neither been told nor to be held back; else null. */
  @Nullable Exit untold() {
    return !told.isDone() && state() instanceof ProcessState.Ended ended ? ended.exit() : null;
  }

  /** Completes when the exit's event has been published: what Wait answers. */
  CompletableFuture<Exit> told() {
    return told;
  }

  /** What can be said of it without asking its shim; null if that must be asked. */
  @Nullable ProcessReport endedReport() {
    Exit exit = state().exit();
    return stdio == null || exit == null
        ? null
        : new ProcessReport(
            exit.pid(), ProcessReport.Phase.STOPPED, stdio, exit.status(), exit.at());
  }
}
