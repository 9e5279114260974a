package io.berth.containerd.task;

import io.berth.base.error.BerthException;
import io.berth.base.id.AttachToken;
import io.berth.base.layout.TaskIntent;
import io.berth.base.time.Sleeper;
import io.berth.containerd.shimprocess.ProcessReport;
import io.berth.containerd.shimprocess.ShimCalls;
import io.berth.containerd.shimprocess.ShimProcess;
import io.berth.containerd.shimprocess.ShimProcesses;
import io.grpc.Context;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The way to a task's shim: placing it on a shim process, having another process take the task
 * over, and calls that outlive the death of a process, repeated under one number so that the
 * supervisor does nothing twice. Thread-safe.
 */
@Singleton
final class Shims {
  private static final Logger LOG = System.getLogger(Shims.class.getName());

  /** For a call on a shim; hooks and slow programs are counted in. */
  static final Duration PATIENCE = Duration.ofMinutes(5);

  private static final Duration ADOPT_PATIENCE = Duration.ofSeconds(30);
  private static final int MAX_PROCESSES_TRIED = 5;
  private static final Duration DYING = Duration.ofMillis(100);

  private final ShimProcesses processes;
  private final ExitLedger ledger;
  private final InstantSource clock;
  private final Sleeper sleeper;

  @Inject
  Shims(ShimProcesses processes, ExitLedger ledger, InstantSource clock, Sleeper sleeper) {
    this.processes = processes;
    this.ledger = ledger;
    this.clock = clock;
    this.sleeper = sleeper;
  }

  /** ABSENT, which says why, while no container could live on this host. */
  void check() {
    processes.check();
  }

  private static String newRequestId() {
    return HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
  }

  /** Calls the task's shim; if its process dies meanwhile, the shim that takes the task over. */
  <T> T call(Task task, Function<ShimCalls, T> call) {
    return call(task, PATIENCE, call);
  }

  /** The same for a call without an answer. */
  void run(Task task, Consumer<ShimCalls> call) {
    var _ =
        call(
            task,
            shim -> {
              call.accept(shim);
              return true;
            });
  }

  /** The same for a call that ends within {@code patience}. */
  <T> T call(Task task, Duration patience, Function<ShimCalls, T> call) {
    String requestId = newRequestId();
    for (int attempt = 1; ; attempt++) {
      ShimLink.To link = link(task);
      try {
        return call.apply(link.process().connection().shim(task.key(), requestId, patience));
      } catch (BerthException.DeadlineExceeded e) {
        throw new BerthException.DeadlineExceeded(
            "ask the shim of task "
                + task.key().id()
                + ": no answer within "
                + patience.toSeconds()
                + " s; is the machine overloaded?",
            e);
      } catch (BerthException e) {
        if (!isProcessGone(e) || attempt > MAX_PROCESSES_TRIED) {
          throw e;
        }
        LOG.log(Level.DEBUG, "{0}: {1}; repeated as {2}", task.key(), e.getMessage(), requestId);
        relink(task, link);
      }
    }
  }

  // A server that ends at once resets its streams, which looks like a cancellation by nobody.
  private static boolean isProcessGone(BerthException e) {
    return switch (e) {
      case BerthException.Unavailable _ -> true;
      case BerthException.Cancelled _ -> !Context.current().isCancelled();
      default -> false;
    };
  }

  /** Has the task's supervisor let in the next client that shows the token. */
  void allowAttach(Task task, String execId, AttachToken token) {
    link(task).process().connection().allowAttach(task.key(), execId, token, ADOPT_PATIENCE);
  }

  private ShimLink.To link(Task task) {
    return task.linking(() ->
        switch (task.link()) {
          case ShimLink.To present -> present;
          case ShimLink.None _ when task.isBeingMade() ->
              throw new BerthException.NotFound(
                  "task " + task.key().id() + ": it is being created");
          case ShimLink.None _ -> adopt(task);
          case ShimLink.Lost _ -> throw gone(task);
        });
  }

  private static BerthException gone(Task task) {
    return new BerthException.NotFound(
        "task " + task.key().id() + ": process already finished, its supervisor is gone");
  }

  /** A link did not answer: unless somebody else has replaced it, another process takes over. */
  private void relink(Task task, ShimLink.To broken) {
    task.linking(() -> {
      if (task.link().equals(broken)) {
        task.link(new ShimLink.None());
        if (processes.examine(broken.process())) {
          // The process lives and let go of the shim: it may as well take it up again.
          processes.release(broken.process(), task.key());
        }
        var _ = adopt(task);
      }
      return null;
    });
  }

  /** The process that has its shim is gone, as somebody noticed. */
  void processLost(Task task, ShimProcess process) {
    try {
      task.linking(() -> {
        if (task.link() instanceof ShimLink.To present && present.process().equals(process)) {
          task.link(new ShimLink.None());
          if (!task.isCreating()) {
            var _ = adopt(task);
          }
        }
        return null;
      });
    } catch (BerthException e) {
      LOG.log(Level.ERROR, "adopt {0}: {1}", task.key(), e.getMessage());
    }
  }

  /** After a restart: the task's shim is in a process that was found. */
  void linkTo(Task task, ShimProcess process) {
    task.link(new ShimLink.To(process));
  }

  /** After a restart: no process has the task. Answers whether there was something to take over. */
  boolean adoptOrphan(Task task) {
    try {
      var _ = task.linking(() -> adopt(task));
      return true;
    } catch (BerthException.NotFound e) {
      return false;
    }
  }

  /** Has a process take the task over; the caller holds the lock of the way to the shim. */
  private ShimLink.To adopt(Task task) {
    @Nullable BerthException last = null;
    for (int tried = 0; tried < MAX_PROCESSES_TRIED; tried++) {
      ShimProcess process = processes.reserve(task.key(), task.traits().exclusive());
      try {
        process.connection().adopt(task.key(), task.folder(), ADOPT_PATIENCE);
        return linked(task, process);
      } catch (BerthException.AlreadyExists e) {
        // It never let go of the shim: only the way there was broken.
        return linked(task, process);
      } catch (BerthException.NotFound e) {
        processes.release(process, task.key());
        if (!task.isCreating()) {
          task.link(new ShimLink.Lost());
          ledger.lost(task, clock.instant());
        }
        throw gone(task);
      } catch (BerthException e) {
        last = e;
        processes.release(process, task.key());
        boolean alive = processes.examine(process);
        LOG.log(
            alive ? Level.WARNING : Level.INFO,
            "adopt {0} by {1}: {2}",
            task.key(),
            process,
            e.getMessage());
      }
    }
    throw new BerthException.Unavailable(
        "adopt task " + task.key() + ": " + (last == null ? "no shim process" : last.getMessage()),
        last);
  }

  private static ShimLink.To linked(Task task, ShimProcess process) {
    ShimLink.To link = new ShimLink.To(process);
    task.link(link);
    return link;
  }

  /**
   * Has a process make the task as it is written down in its folder; answers the init's pid. When
   * this fails nothing of the task is left but its folder.
   *
   * @param attach lets a client attach from then on
   * @param client whose end, or whose deadline, ends the creation too
   */
  int place(Task task, TaskIntent intent, @Nullable AttachToken attach, Context client) {
    String requestId = newRequestId();
    for (int tried = 1; ; tried++) {
      ShimProcess process = processes.reserve(task.key(), task.traits().exclusive());
      try (var _ = new PlacementAbandon(client, task.key(), process)) {
        int pid = process.connection().place(task.folder(), intent, attach, requestId, PATIENCE);
        linkTo(task, process);
        return pid;
      } catch (BerthException e) {
        processes.release(process, task.key());
        boolean processDied = isProcessGone(e) && isDying(process);
        if (!processDied || tried == MAX_PROCESSES_TRIED) {
          throw e;
        }
        Integer pid = createdAlready(task);
        if (pid != null) {
          if (attach != null) {
            // Nobody knows how far the process got that died.
            allowAttach(task, "", attach);
          }
          return pid;
        }
      }
    }
  }

  /** Whether a process is gone, or about to be: one on its way out may answer once more. */
  private boolean isDying(ShimProcess process) {
    if (!processes.examine(process)) {
      return true;
    }
    var _ = sleeper.pause(DYING);
    return !processes.examine(process);
  }

  // The process died while it created the task: the supervisor may have come to life or not.
  private @Nullable Integer createdAlready(Task task) {
    if (!adoptOrphan(task)) {
      return null;
    }
    ProcessReport state = call(task, shim -> shim.state(""));
    if (state.pid() != 0) {
      return state.pid();
    }
    unlink(task);
    return null;
  }

  /**
   * Nothing more is asked of the shim. It leaves its process by itself after a deletion; if it were
   * let go by a call, that could meet the next task of the same name.
   */
  void unlink(Task task) {
    ShimLink old =
        task.linking(() -> {
          ShimLink present = task.link();
          task.link(new ShimLink.Lost());
          return present;
        });
    if (old instanceof ShimLink.To to) {
      processes.release(to.process(), task.key());
    }
  }

  /** The creation failed on this side: what the shim made is undone, as far as it goes. */
  void abandon(Task task) {
    if (!(task.link() instanceof ShimLink.To)) {
      return;
    }
    try {
      var _ = call(task, shim -> shim.delete(""));
    } catch (BerthException e) {
      LOG.log(Level.WARNING, "undo creation of {0}: {1}", task.key(), e.getMessage());
    }
    unlink(task);
  }

  /** A process of another build is to end: its shims move, their containers do not notice. */
  void moveAway(Task task, ShimProcess from) {
    try {
      from.connection().letGo(task.key(), ADOPT_PATIENCE);
    } catch (BerthException e) {
      LOG.log(Level.DEBUG, "let go of {0} by {1}: {2}", task.key(), from, e.getMessage());
    }
    processLost(task, from);
    processes.release(from, task.key());
  }
}
