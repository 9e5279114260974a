package io.berth.containerd.task;

import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.containerd.event.EventBroker;
import io.berth.containerd.event.Occurrence;
import io.berth.containerd.shimprocess.ShimCalls;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Instant;
import java.time.InstantSource;

/**
 * Removes tasks and execs that have stopped or were never started. Thread-safe; blocks for as long
 * as the shim takes.
 */
@Singleton
final class Deletions {
  private final TaskTable table;
  private final Shims shims;
  private final ExitTable exits;
  private final ExitLedger ledger;
  private final EventBroker events;
  private final InstantSource clock;

  @Inject
  Deletions(
      TaskTable table,
      Shims shims,
      ExitTable exits,
      ExitLedger ledger,
      EventBroker events,
      InstantSource clock) {
    this.table = table;
    this.shims = shims;
    this.exits = exits;
    this.ledger = ledger;
    this.events = events;
    this.clock = clock;
  }

  /** Removes a task; answers how its init ended. */
  Exit delete(TaskKey key) {
    Task task = table.get(key);
    task.beginDeletion();
    boolean done = false;
    try {
      Exit exit = deleteInShim(task, task.init());
      shims.unlink(task);
      exits.removeAll(key);
      task.folder().delete();
      table.remove(task);
      events.publish(
          key.namespace(),
          new Occurrence.TaskDeleted(key.id(), exit.pid(), exit.status(), exit.at()));
      done = true;
      return exit;
    } finally {
      if (!done) {
        task.resumeLife();
      }
    }
  }

  /** Removes an exec; answers how it ended. */
  Exit deleteExec(TaskKey key, String execId) {
    Task task = table.get(key);
    Exit exit = deleteInShim(task, task.process(execId));
    task.removeExec(execId);
    exits.remove(key, execId);
    return exit;
  }

  private Exit deleteInShim(Task task, TaskProcess process) {
    Exit known = process.state().exit();
    try {
      ShimCalls.Deleted answer = shims.call(task, shim -> shim.delete(process.execId()));
      Instant at = answer.exitedAt();
      Exit told =
          new Exit(
              answer.pid(),
              answer.exitStatus(),
              at == null ? clock.instant() : at,
              /* oomKilled= */ false,
              /* unknown= */ false);
      if (known == null && process.state().wasStarted()) {
        // The shim was asked before its process had told of the exit, whose event still comes
        // first.
        ledger.record(task, process, told);
        known = process.state().exit();
      }
      return known == null ? told : known;
    } catch (BerthException.NotFound e) {
      // The supervisor is gone, or an earlier deletion got this far.
      known = process.state().exit();
      if (known == null) {
        throw e;
      }
      return known;
    }
  }
}
