package io.berth.linux.supervisor;

import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.Memfd;
import io.berth.linux.Poller;
import io.berth.linux.SyscallException;
import io.berth.linux.Terminal;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A connection to one supervisor. Every method sends a request and returns at once; the future
 * fails with {@link SupervisorException} if the supervisor refuses, with another IOException if the
 * connection ends first. Descriptors given to a method must stay open until its future completes;
 * descriptors in a result are the caller's to close. Safe for use by several threads.
 *
 * <p>Operations that change something take the request's number: the supervisor remembers the last
 * 64 results, so one that is repeated under the same number, over another connection after a
 * hand-over too, is not done twice.
 */
public final class SupervisorConnection implements AutoCloseable {
  private final PacketChannel channel;
  private final AtomicLong requests =
      new AtomicLong(ThreadLocalRandom.current().nextLong() & 0x7fff_ffff_ffff_0000L);

  SupervisorConnection(Poller poller, byte[] buffer, Fd socket, SupervisorListener listener) {
    channel = new PacketChannel(poller, buffer, socket, new Notifications(listener));
  }

  void open() throws SyscallException {
    channel.start();
  }

  /** The stages of the life of an init. */
  public enum Phase {
    /** There is no init yet. */
    EMPTY,
    /** The init waits at a stop of its plan for {@link #proceed}. */
    STOPPED_AT_STEP,
    /** The init waits for {@link #start}. */
    CREATED,
    RUNNING,
    EXITED;

    static Phase of(int number) throws IOException {
      return switch (number) {
        case Protocol.PHASE_EMPTY -> EMPTY;
        case Protocol.PHASE_STOPPED_AT_STEP -> STOPPED_AT_STEP;
        case Protocol.PHASE_CREATED -> CREATED;
        case Protocol.PHASE_RUNNING -> RUNNING;
        case Protocol.PHASE_EXITED -> EXITED;
        default -> throw new IOException("supervisor: unknown phase " + number);
      };
    }
  }

  /**
   * The supervisor's answer to the greeting.
   *
   * @param epoch the number of this controller; requests of those before it are refused
   * @param initPid the number of the init; 0 before it is created
   * @param pidfd a descriptor of the supervisor; null for a client that attaches
   * @param initPidfd a descriptor of the init; null if there is none
   */
  public record Hello(
      int version,
      Phase phase,
      int pid,
      long epoch,
      int initPid,
      @Nullable Fd pidfd,
      @Nullable Fd initPidfd)
      implements AutoCloseable {
    /** Closes both descriptors. */
    @Override
    public void close() {
      if (pidfd != null) {
        pidfd.close();
      }
      if (initPidfd != null) {
        initPidfd.close();
      }
    }
  }

  /**
   * A process that was launched; {@code stop} is the number of the stop that it waits at, or -1.
   */
  public record Launched(int pid, int stop, @Nullable Fd pidfd) {}

  /** What became of a hook. */
  public record HookResult(ExitRecord.How how, int code, boolean timedOut, String output) {}

  /**
   * A process, as {@link #state} tells it.
   *
   * @param exit how it ended; null while it lives
   */
  public record ProcessState(
      String id, int pid, Phase phase, boolean terminal, boolean drained, @Nullable Exit exit) {
    /** How it ended. */
    public record Exit(ExitRecord.How how, int code, Instant at, boolean acknowledged) {}
  }

  /** What a supervisor knows; {@code logDroppedBytes} is what no log file took. */
  public record State(Phase phase, long epoch, long logDroppedBytes, List<ProcessState> processes) {
    public State {
      processes = List.copyOf(processes);
    }
  }

  /** A number for a request that this side has not used before. */
  public long newRequest() {
    return requests.incrementAndGet();
  }

  /** Greets as controller and takes over from whoever was it, whatever its epoch. */
  public CompletableFuture<Hello> takeOver() {
    return hello(Protocol.ROLE_CONTROLLER, Protocol.EPOCH_ANY, new byte[32]);
  }

  /** Greets as controller; refused with ESTALE if another came since that epoch. */
  public CompletableFuture<Hello> hello(long seenEpoch) {
    return hello(Protocol.ROLE_CONTROLLER, seenEpoch, new byte[32]);
  }

  /**
   * Greets as one who only attaches to streams, with a token of 32 bytes that a controller
   * registered.
   */
  public CompletableFuture<Hello> helloToAttach(byte[] token) {
    return hello(Protocol.ROLE_ATTACH, 0, token);
  }

  private CompletableFuture<Hello> hello(int role, long epoch, byte[] token) {
    if (token.length != 32) {
      throw new IllegalArgumentException("token of " + token.length + " bytes, not 32");
    }
    WireWriter out = new WireWriter().u16(Protocol.PROTOCOL_VERSION).u16(role).u32(0);
    return request(Protocol.OP_HELLO, newRequest(), out.u64(epoch).bytes(token), List.of())
        .thenApply(Replies::hello);
  }

  /** Creates the init; completes when it waits to be started, or at a stop of the plan. */
  public CompletableFuture<Launched> create(long request, LaunchPlan plan) {
    return launch(Protocol.OP_CREATE, request, plan);
  }

  /** Runs another process in the container; completes when its program has been started. */
  public CompletableFuture<Launched> exec(long request, LaunchPlan plan) {
    return launch(Protocol.OP_EXEC, request, plan);
  }

  private CompletableFuture<Launched> launch(int op, long request, LaunchPlan plan) {
    Fd memory;
    try {
      memory = Memfd.sealed("plan", plan.bytes());
    } catch (SyscallException e) {
      return CompletableFuture.failedFuture(e);
    }
    List<Fd> table = plan.descriptors();
    int with = Math.min(table.size(), Protocol.MSG_MAX_FDS - 1);
    // What one message does not carry goes before it, in the table's order; the last message brings
    // the rest.
    List<CompletableFuture<PacketChannel.Packet>> before = new ArrayList<>();
    int sent = 0;
    while (table.size() - sent > with) {
      int count = Math.min(table.size() - sent - with, Protocol.MSG_MAX_FDS);
      List<Fd> part = table.subList(sent, sent + count);
      before.add(channel.request(Protocol.OP_FDS, newRequest(), new byte[0], part));
      sent += count;
    }
    List<Fd> fds = new ArrayList<>();
    fds.add(memory);
    fds.addAll(table.subList(sent, table.size()));
    CompletableFuture<Launched> launched =
        channel
            .request(op, request, new byte[0], fds)
            .thenApply(Replies::launched)
            .whenComplete((_, _) -> memory.close());
    if (before.isEmpty()) {
      return launched;
    }
    return CompletableFuture.allOf(before.toArray(CompletableFuture[]::new))
        .thenCompose(_ -> launched);
  }

  /** Lets a plan that waits at a stop go on. */
  public CompletableFuture<Launched> proceed(long request) {
    return request(Protocol.OP_CONTINUE, request, new WireWriter(), List.of())
        .thenApply(Replies::launched);
  }

  /** Starts the created init; completes when its program runs. */
  public CompletableFuture<Void> start(long request) {
    return done(request(Protocol.OP_START, request, new WireWriter(), List.of()));
  }

  /** Sends a signal to a process; ESRCH when it has ended. */
  public CompletableFuture<Void> signal(long request, String id, int signal) {
    WireWriter out = new WireWriter().u32(signal).u32(0).text(id);
    return done(request(Protocol.OP_SIGNAL, request, out, List.of()));
  }

  /** Sets the window of a process's terminal; without one nothing happens. */
  public CompletableFuture<Void> resize(String id, Terminal.Size size) {
    WireWriter out = new WireWriter().u16(size.rows()).u16(size.columns()).text(id);
    return done(request(Protocol.OP_RESIZE, newRequest(), out, List.of()));
  }

  /** Ends a process's input: the process reads the end after what was written already. */
  public CompletableFuture<Void> closeStdin(String id) {
    return done(
        request(Protocol.OP_CLOSE_STDIN, newRequest(), new WireWriter().text(id), List.of()));
  }

  /** Gives up output that nobody reads, and closes the sinks. */
  public CompletableFuture<Void> dropOutput(String id) {
    return done(
        request(Protocol.OP_DROP_OUTPUT, newRequest(), new WireWriter().text(id), List.of()));
  }

  /**
   * Says that an exit is recorded elsewhere: process and record are forgotten. ENOENT if unknown.
   */
  public CompletableFuture<Void> acknowledge(String id) {
    return done(request(Protocol.OP_ACK, newRequest(), new WireWriter().text(id), List.of()));
  }

  /** Asks for what the supervisor knows of all its processes. */
  public CompletableFuture<State> state() {
    return request(Protocol.OP_STATE, newRequest(), new WireWriter(), List.of())
        .thenApply(Replies::state);
  }

  /**
   * Runs a hook in a child of the supervisor and completes when it has ended, or its time is over.
   *
   * @param mountNamespace the namespace that the hook joins first; null to run in the supervisor's
   */
  public CompletableFuture<HookResult> hook(long request, Hook hook, @Nullable Fd mountNamespace) {
    Fd memory;
    try {
      memory = Memfd.sealed("hook", hook.encode(new WireWriter()).toBytes());
    } catch (SyscallException e) {
      return CompletableFuture.failedFuture(e);
    }
    List<Fd> fds = mountNamespace == null ? List.of(memory) : List.of(memory, mountNamespace);
    return request(Protocol.OP_HOOK, request, new WireWriter(), fds)
        .thenApply(Replies::hook)
        .whenComplete((_, _) -> memory.close());
  }

  /**
   * Starts a program that reads the container's output; completes after its execve. It is the
   * supervisor's child and lives as long as it likes.
   *
   * @param program the program; its timeout and what it would read are not used
   * @param output its descriptor 3, from which it reads what the container writes to stdout
   * @param errors its descriptor 4, the same for stderr
   * @param ready its descriptor 5, which it closes when it is ready to read
   */
  public CompletableFuture<Void> startLogProgram(Hook program, Fd output, Fd errors, Fd ready) {
    Fd memory;
    try {
      memory = Memfd.sealed("log program", program.encode(new WireWriter()).toBytes());
    } catch (SyscallException e) {
      return CompletableFuture.failedFuture(e);
    }
    List<Fd> fds = List.of(memory, output, errors, ready);
    return done(request(Protocol.OP_LOG_PROGRAM, newRequest(), new WireWriter(), fds))
        .whenComplete((_, _) -> memory.close());
  }

  /** Allows one attach to a process's streams with this token of 32 bytes. */
  public CompletableFuture<Void> allowAttach(String id, byte[] token, Duration validity) {
    if (token.length != 32) {
      throw new IllegalArgumentException("token of " + token.length + " bytes, not 32");
    }
    WireWriter out = new WireWriter().bytes(token);
    out.u32((int) Math.min(validity.toMillis(), Integer.MAX_VALUE)).u32(0).text(id);
    return done(request(Protocol.OP_TOKEN, newRequest(), out, List.of()));
  }

  /** The streams of a process that an attaching client brings descriptors for. */
  public enum Stream {
    STDIN(Protocol.ATTACH_STDIN),
    STDOUT(Protocol.ATTACH_STDOUT),
    STDERR(Protocol.ATTACH_STDERR);

    private final int bit;

    Stream(int bit) {
      this.bit = bit;
    }
  }

  /** How an attached client and the process bear upon each other. */
  public enum Bond {
    /** A reader that is slow stops the process, else it is dropped. */
    BACK_PRESSURE(Protocol.ATTACH_BACK_PRESSURE),
    /** The end of this client's input leaves the process's input open. */
    KEEP_STDIN(Protocol.ATTACH_KEEP_STDIN),
    /**
     * An output that this client's reader no longer takes ends for the process, too; a supervisor
     * that is too old for it lets the process go on.
     */
    BREAKS(Protocol.ATTACH_BREAKS),
    /**
     * Standard output goes on to the reader by a process of the client's: that the descriptor takes
     * nothing any more is no break of the reader's, which {@link #breakOutput} tells.
     */
    CARRIED_STDOUT(Protocol.ATTACH_CARRIED_STDOUT),
    /** The same of standard error. */
    CARRIED_STDERR(Protocol.ATTACH_CARRIED_STDERR);

    private final int bit;

    Bond(int bit) {
      this.bit = bit;
    }
  }

  /**
   * Hands descriptors over for a process's streams, after {@link #helloToAttach}.
   *
   * @param detachKeys at most 16 bytes; typed on a process's terminal they end the attachment; a
   *     supervisor that is too old for them takes no notice
   */
  public CompletableFuture<Void> attach(
      String id, Map<Stream, Fd> streams, Set<Bond> bonds, byte[] detachKeys) {
    int bits = 0;
    for (Bond bond : bonds) {
      bits |= bond.bit;
    }
    List<Fd> fds = new ArrayList<>();
    for (Stream stream : Stream.values()) {
      Fd fd = streams.get(stream);
      if (fd != null) {
        bits |= stream.bit;
        fds.add(fd);
      }
    }
    WireWriter out = new WireWriter().u32(bits).u32(detachKeys.length).text(id).bytes(detachKeys);
    return done(request(Protocol.OP_ATTACH, newRequest(), out, fds));
  }

  /**
   * Tells that the reader of a carried output takes nothing any more; {@link
   * SupervisorListener#broken} and the end of the connection follow. A supervisor that is too old
   * for it refuses.
   */
  public CompletableFuture<Void> breakOutput(Stream stream, Errno error) {
    WireWriter out = new WireWriter().u32(stream == Stream.STDERR ? 2 : 1).u32(error.number());
    return done(request(Protocol.OP_BREAK, newRequest(), out, List.of()));
  }

  /** Ends the supervisor; EBUSY while a process lives, unless forced, which kills them. */
  public CompletableFuture<Void> shutdown(boolean force) {
    WireWriter out = new WireWriter().u32(force ? 1 : 0).u32(0);
    return done(request(Protocol.OP_SHUTDOWN, newRequest(), out, List.of()));
  }

  /** Whether neither side has ended it. */
  public boolean isOpen() {
    return channel.isOpen();
  }

  /** Ends the connection; the container lives on. */
  @Override
  public void close() {
    channel.close();
  }

  private CompletableFuture<PacketChannel.Packet> request(
      int op, long request, WireWriter payload, List<Fd> descriptors) {
    return channel.request(op, request, payload.toBytes(), descriptors);
  }

  private static CompletableFuture<Void> done(CompletableFuture<PacketChannel.Packet> answer) {
    return answer.thenAccept(PacketChannel.Packet::closeDescriptors);
  }
}
