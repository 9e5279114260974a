package io.berth.shim.run;

import io.berth.base.layout.Stdio;
import io.berth.linux.Fd;
import io.berth.linux.supervisor.ExitRecord;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A process of a container, as it is known here. Its lock is held over what changes it; reading
 * needs none.
 */
public final class TaskProcess {
  /** How far it has come. */
  public enum Phase {
    CREATED,
    RUNNING,
    STOPPED,
    DELETED
  }

  /**
   * How it ended.
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

  final ReentrantLock lock = new ReentrantLock();
  private final String id;
  private final Stdio stdio;
  private final @Nullable ExecRecord exec;
  private final CompletableFuture<Ended> ended = new CompletableFuture<>();
  private final CompletableFuture<Boolean> drained = new CompletableFuture<>();
  private volatile int pid;
  private volatile Phase phase = Phase.CREATED;
  private volatile boolean stdinClosed;
  private final AtomicReference<@Nullable Fd> pidfd = new AtomicReference<>();

  private TaskProcess(String id, Stdio stdio, @Nullable ExecRecord exec) {
    this.id = id;
    this.stdio = stdio;
    this.exec = exec;
  }

  static TaskProcess init(Stdio stdio) {
    return new TaskProcess("", stdio, null);
  }

  static TaskProcess exec(ExecRecord record) {
    return new TaskProcess(record.id(), record.stdio(), record);
  }

  /** Exec id; empty for the init. */
  public String id() {
    return id;
  }

  public Stdio stdio() {
    return stdio;
  }

  @Nullable ExecRecord exec() {
    return exec;
  }

  /** 0 before it was started. */
  public int pid() {
    return pid;
  }

  public Phase phase() {
    return phase;
  }

  boolean stdinClosed() {
    return stdinClosed;
  }

  void closeStdin() {
    stdinClosed = true;
  }

  void born(int number) {
    pid = number;
  }

  /** Of an exec, for as long as it runs; the init's is kept elsewhere. */
  @Nullable Fd pidfd() {
    return pidfd.get();
  }

  void hold(@Nullable Fd process) {
    Fd before = pidfd.getAndSet(process);
    if (before != null) {
      before.close();
    }
  }

  void runs() {
    if (phase == Phase.CREATED) {
      phase = Phase.RUNNING;
    }
  }

  /** Only the first end counts: it can be told twice. */
  boolean ends(Ended how) {
    if (ended.isDone()) {
      return false;
    }
    phase = Phase.STOPPED;
    return ended.complete(how);
  }

  void isDeleted() {
    phase = Phase.DELETED;
  }

  /** Its end; completes when it has come. */
  public CompletableFuture<Ended> ended() {
    return ended;
  }

  /** How it ended, or null. */
  public @Nullable Ended endedOrNull() {
    return ended.getNow(null);
  }

  /** Completes when its output has been read to the end. */
  CompletableFuture<Boolean> drained() {
    return drained;
  }
}
