package io.berth.cli.command;

import io.berth.base.error.BerthException;
import io.berth.cli.session.Descriptors;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.FileStatus;
import io.berth.linux.SyscallException;
import io.berth.linux.supervisor.SupervisorConnection.Bond;
import io.berth.linux.supervisor.SupervisorConnection.Stream;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * What a supervisor is given for the caller's streams. A supervisor serves everybody who has to do
 * with the container, and must not wait for one of them. So it is given the descriptor itself where
 * it can make an open file of its own of it, or cannot be made to wait: pipes, sockets, /dev/null.
 * Terminals and other files are of the caller's shell, of its jobs or of a server that may be dead:
 * between them and a pipe the caller's side carries the bytes. Used by one thread.
 */
final class BroughtStreams implements AutoCloseable {
  private final Map<Stream, Fd> descriptors = new EnumMap<>(Stream.class);
  private final Set<Bond> bonds = EnumSet.noneOf(Bond.class);
  private final List<Carried> carried = new ArrayList<>();

  /** Streams that go through one pipe, and what became of them at their end. */
  private record Carried(Set<Stream> streams, Fd.Pipe pipe, CompletableFuture<Integer> end) {
    Fd callersEnd() {
      return streams.contains(Stream.STDIN) ? pipe.writeEnd() : pipe.readEnd();
    }

    Fd supervisorsEnd() {
      return streams.contains(Stream.STDIN) ? pipe.readEnd() : pipe.writeEnd();
    }

    Stream stream() {
      return streams.contains(Stream.STDERR) && streams.size() == 1 ? Stream.STDERR : Stream.STDOUT;
    }
  }

  /** An output that takes nothing any more. */
  record Break(Stream stream, Errno error) {}

  /** Takes the wanted streams, and makes pipes for those that need one. */
  void open(Descriptors own, Set<Stream> wanted) throws SyscallException {
    FileStatus output = null;
    for (Stream stream : Stream.values()) {
      if (!wanted.contains(stream)) {
        continue;
      }
      Fd fd =
          switch (stream) {
            case STDIN -> own.in();
            case STDOUT -> own.out();
            case STDERR -> own.err();
          };
      FileStatus status = statusToCarry(fd);
      if (status == null) {
        descriptors.put(stream, fd);
      } else if (stream == Stream.STDERR && output != null && output.isSameFile(status)) {
        // Through a pipe of its own it would come before or after what was written before it.
        carry(EnumSet.of(Stream.STDOUT, Stream.STDERR), carried.removeLast().pipe);
      } else {
        output = stream == Stream.STDOUT ? status : null;
        carry(EnumSet.of(stream), Fd.pipe(0));
      }
    }
  }

  /** The status of what is to be carried; null for what can be handed over. */
  private static @Nullable FileStatus statusToCarry(Fd fd) {
    try {
      FileStatus status = fd.status();
      return status.isPipeOrSocket() || status.isNullDevice() ? null : status;
    } catch (SyscallException e) {
      // The caller has closed it, which whoever uses it finds as well.
      return null;
    }
  }

  private void carry(Set<Stream> streams, Fd.Pipe pipe) {
    Carried one = new Carried(streams, pipe, new CompletableFuture<>());
    carried.add(one);
    for (Stream stream : streams) {
      descriptors.put(stream, one.supervisorsEnd());
      switch (stream) {
        case STDIN -> {}
        case STDOUT -> bonds.add(Bond.CARRIED_STDOUT);
        case STDERR -> bonds.add(Bond.CARRIED_STDERR);
      }
    }
  }

  /** What the supervisor is given; open until {@link #handedOver}. */
  Map<Stream, Fd> descriptors() {
    return descriptors;
  }

  /** What it has to know of them, with what it is told anyway. */
  Set<Bond> with(Set<Bond> others) {
    Set<Bond> all = EnumSet.copyOf(bonds);
    all.addAll(others);
    return all;
  }

  /**
   * The supervisor has its descriptors: begins to carry.
   *
   * @param broken is told, on any thread, when an output takes nothing any more
   */
  void handedOver(Descriptors own, BiConsumer<Stream, Errno> broken) throws SyscallException {
    for (Carried one : carried) {
      one.supervisorsEnd().close();
      own.carrier()
          .carry(
              one.streams,
              one.callersEnd(),
              error -> {
                if (error != 0 && !one.streams.contains(Stream.STDIN)) {
                  broken.accept(one.stream(), Errno.of(error));
                }
                one.end.complete(error);
              });
      one.callersEnd().close();
    }
  }

  /**
   * Blocks until everything that was written to outputs has been passed on, after the supervisor
   * has let them go.
   *
   * @return what kept that from being so; null if nothing did
   */
  @Nullable Break awaitOutputs() throws InterruptedException {
    Break broken = null;
    for (Carried one : carried) {
      if (!one.streams.contains(Stream.STDIN)) {
        try {
          int error = one.end.get();
          broken = error == 0 ? broken : new Break(one.stream(), Errno.of(error));
        } catch (ExecutionException e) {
          throw new BerthException.Internal("pass output on: " + e.getMessage(), e);
        }
      }
    }
    return broken;
  }

  /** Closes what nobody has taken. */
  @Override
  public void close() {
    carried.forEach(one -> one.pipe.close());
  }
}
