package io.berth.shim.run;

import io.berth.base.error.BerthException;
import io.berth.base.layout.Stdio;
import io.berth.linux.Fd;
import io.berth.linux.supervisor.ExitRecord;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A process of a container: its init, or one that was added by an exec.
 *
 * <p>Its state goes forward only, in one step each time, so that reading it needs no lock. The lock
 * is held by operations that look at the state, have the supervisor do something and then change
 * the state. The end of the process, which the supervisor tells at any moment, does not wait for
 * it.
 */
public final class ContainerProcess {
  private final String id;
  private final Stdio stdio;
  private final @Nullable ExecRecord exec;
  private final ReentrantLock lock = new ReentrantLock();
  private final AtomicReference<State> state;
  private final CompletableFuture<Ended> ended = new CompletableFuture<>();
  private final CompletableFuture<Boolean> drained = new CompletableFuture<>();

  /** How far a process has come. */
  public sealed interface State {
    /** The number of the process as the machine sees it; 0 while there is none. */
    int pid();

    /**
     * An exec that was described and not started.
     *
     * @param stdinClosed whether its client has closed the input already
     */
    record Added(boolean stdinClosed) implements State {
      @Override
      public int pid() {
        return 0;
      }
    }

    /** The process is there and waits to be started. */
    record Created(int pid) implements State {}

    /**
     * The process runs, or stands still with its container.
     *
     * @param pidfd pidfd_open(2) of an exec; null for the init, whose descriptor its supervision
     *     has, and for an exec that another shim process started
     */
    record Running(int pid, @Nullable Fd pidfd) implements State {}

    /** The process has ended. */
    record Stopped(int pid, Ended how) implements State {}

    /**
     * Nothing is kept of the process any more.
     *
     * @param how null if it was deleted before anybody learned of its end, or never started
     */
    record Deleted(int pid, @Nullable Ended how) implements State {}
  }

  /**
   * How a process ended.
   *
   * @param status exit code, 128 + signal, or 255 if nobody knows
   * @param unknown whether the number was never learned
   */
  public record Ended(int status, Instant at, boolean outOfMemory, boolean unknown) {
    static Ended of(ExitRecord exit) {
      return new Ended(
          exit.shellCode(),
          exit.exitedAt(),
          exit.oomKills() > 0,
          exit.how() == ExitRecord.How.UNKNOWN);
    }
  }

  private ContainerProcess(String id, Stdio stdio, @Nullable ExecRecord exec, State state) {
    this.id = id;
    this.stdio = stdio;
    this.exec = exec;
    this.state = new AtomicReference<>(state);
  }

  /** The init of a container; pid 0 if nobody knows its number. */
  static ContainerProcess init(Stdio stdio, int pid) {
    return new ContainerProcess("", stdio, null, new State.Created(pid));
  }

  /** A process that was added and is not started yet. */
  static ContainerProcess exec(ExecRecord record) {
    return new ContainerProcess(record.id(), record.stdio(), record, new State.Added(false));
  }

  /** The id of the exec; empty for the init. */
  public String id() {
    return id;
  }

  /** Where its streams lead. */
  public Stdio stdio() {
    return stdio;
  }

  @Nullable ExecRecord exec() {
    return exec;
  }

  ReentrantLock lock() {
    return lock;
  }

  /** Its state now. */
  public State state() {
    return state.get();
  }

  /** The number of the process as the machine sees it; 0 before it was started. */
  public int pid() {
    return state().pid();
  }

  boolean isRunning() {
    return state() instanceof State.Running;
  }

  /** Whether it has been started and ended, deleted or not. */
  boolean isOver() {
    return switch (state()) {
      case State.Added _, State.Created _, State.Running _ -> false;
      case State.Stopped _, State.Deleted _ -> true;
    };
  }

  /** The state in the words of containerd's error messages. */
  String stateWord() {
    return switch (state()) {
      case State.Added _, State.Created _ -> "created";
      case State.Running _ -> "running";
      case State.Stopped _ -> "stopped";
      case State.Deleted _ -> "deleted";
    };
  }

  /** Completes when the process ends; fails when this shim process lets its container go. */
  public CompletableFuture<Ended> ended() {
    return ended;
  }

  /** How it ended; null if it has not, or nobody knows. */
  public @Nullable Ended endedOrNull() {
    return switch (state()) {
      case State.Added _, State.Created _, State.Running _ -> null;
      case State.Stopped(int _, Ended how) -> how;
      case State.Deleted(int _, Ended how) -> how;
    };
  }

  /** Completes when its output has been read to the end. */
  CompletableFuture<Boolean> drained() {
    return drained;
  }

  /** Remembers that a process that is not started yet is to read the end of its input at once. */
  void closeStdinOnceStarted() {
    var _ = state.updateAndGet(now -> now instanceof State.Added ? new State.Added(true) : now);
  }

  /** The supervisor has started it. The descriptor is this object's from now on. */
  void launched(int pid, @Nullable Fd pidfd) {
    State before = state.getAndUpdate(whileNotStarted(new State.Running(pid, pidfd)));
    // A short life can be told of before the answer that told of its birth has been read.
    if (pidfd != null && !isNotStarted(before)) {
      pidfd.close();
    }
  }

  /** The init goes on into its program; or a process is found running by whoever adopts it. */
  void runs(int pid) {
    launched(pid, null);
  }

  /** A process is found that waits to be started, by whoever adopts it. */
  void waits(int pid) {
    var _ = state.updateAndGet(whileNotStarted(new State.Created(pid)));
  }

  private static UnaryOperator<State> whileNotStarted(State next) {
    return now -> isNotStarted(now) ? next : now;
  }

  private static boolean isNotStarted(State state) {
    return state instanceof State.Added || state instanceof State.Created;
  }

  /**
   * Takes down that it has ended. False if that is known already, or the container has been let go.
   * Those who wait for the end are answered by {@link #tellEnd}.
   */
  boolean ends(int pid, Ended how) {
    if (ended.isDone()) {
      return false;
    }
    State before =
        state.getAndUpdate(now ->
            now instanceof State.Stopped || now instanceof State.Deleted
                ? now
                : new State.Stopped(pid, how));
    if (before instanceof State.Running(int _, Fd pidfd) && pidfd != null) {
      pidfd.close();
    }
    return !(before instanceof State.Stopped);
  }

  /** Answers those who wait for the end. False if the container has been let go meanwhile. */
  boolean tellEnd(Ended how) {
    return ended.complete(how);
  }

  /** Nothing is kept of it any more. */
  void isDeleted() {
    var _ = state.updateAndGet(now -> new State.Deleted(now.pid(), endedIn(now)));
  }

  private static @Nullable Ended endedIn(State state) {
    return state instanceof State.Stopped(int _, Ended how) ? how : null;
  }

  /** This shim process has no more to do with it; whoever waits for its end is told why. */
  void letGo(BerthException why) {
    ended.completeExceptionally(why);
    State before =
        state.getAndUpdate(now ->
            now instanceof State.Running(int pid, Fd _) ? new State.Running(pid, null) : now);
    if (before instanceof State.Running(int _, Fd pidfd) && pidfd != null) {
      pidfd.close();
    }
  }
}
