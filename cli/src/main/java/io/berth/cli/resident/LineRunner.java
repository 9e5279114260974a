package io.berth.cli.resident;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.config.Config;
import io.berth.cli.Cli;
import io.berth.cli.session.Caller;
import io.berth.cli.session.Connector;
import io.berth.cli.session.Descriptors;
import io.berth.cli.session.OwnConnections;
import io.berth.cli.session.StandardInput;
import io.berth.cli.session.StandardOutput;
import io.berth.cli.session.WorkingFolder;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.Sockets;
import io.berth.linux.SyscallException;
import io.berth.linux.ThreadView;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadFactory;

/** Carries lines out, each on a thread of its own. */
final class LineRunner {
  private static final Logger LOG = System.getLogger(LineRunner.class.getName());
  private static final int BUFFER = 64 * 1024;
  private static final long STACK = 512 * 1024;

  private final SharedConnections connections;
  private final ThreadFactory threads;

  LineRunner(SharedConnections connections) {
    this(connections, Thread.ofPlatform().daemon().name("line").stackSize(STACK).factory());
  }

  /**
   * With threads of another kind.
   *
   * @param threads makes them, unstarted
   */
  LineRunner(SharedConnections connections, ThreadFactory threads) {
    this.connections = connections;
    this.threads = threads;
  }

  /**
   * Starts a line.
   *
   * @param socket its client; stays the caller's until {@code done} is called
   * @param greeting closed when the line is done
   * @param done called on the line's thread at last
   * @throws IOException if there is no descriptor or thread left for it: nothing has begun
   */
  Running start(Fd socket, Greeting greeting, Runnable done) throws IOException {
    Running running = new Running(socket, greeting, done);
    try {
      running.thread.start();
      return running;
    } catch (OutOfMemoryError e) {
      // Of threads, which others' lines may give back. Where the heap is short the process ends.
      running.gate.close();
      throw new IOException("start a thread for a line: " + e.getMessage(), e);
    }
  }

  /** A line that is carried out. */
  final class Running {
    private final Greeting greeting;
    private final int pid;
    private final LineGate gate;
    private final LineConnection connection;
    private final Thread thread;

    @GuardedBy("this")
    private final List<Connector> connectors = new ArrayList<>();

    @GuardedBy("this")
    private boolean over;

    private Running(Fd socket, Greeting greeting, Runnable done) throws SyscallException {
      this.greeting = greeting;
      this.pid = Sockets.peer(socket).pid();
      this.gate = new LineGate(greeting);
      this.connection = new LineConnection(socket, greeting, gate);
      this.thread = threads.newThread(() -> run(done));
    }

    LineConnection connection() {
      return connection;
    }

    /** The client has gone, or the line is done: whatever still goes on ends. */
    void clientGone() {
      connection.gone();
      cancel();
    }

    /** Ends the line's calls and wakes its thread. */
    private void cancel() {
      List<Connector> open;
      synchronized (this) {
        over = true;
        open = List.copyOf(connectors);
      }
      open.forEach(Connector::close);
      thread.interrupt();
    }

    private Connector connect(Config config) {
      // How long a connection takes can be told of a new one only.
      boolean timed =
          greeting.arguments().stream().anyMatch(word -> word.startsWith("--connect-timeout"));
      Connector connector = timed ? OwnConnections.to(config) : connections.forLine(config);
      boolean late;
      synchronized (this) {
        connectors.add(connector);
        late = over;
      }
      if (late) {
        connector.close();
      }
      return connector;
    }

    private void run(Runnable done) {
      try {
        ThreadView.enter(greeting.folderFd(), greeting.umask());
        int code = carryOut();
        connection.ended(code);
      } catch (Throwable e) {
        LOG.log(Level.ERROR, "line", e);
        tell(
            "carry out this line: "
                + String.valueOf(e).replace('\n', ' ')
                + "; see the log of the resident command line; BERTH_RESIDENT=no does without it");
        connection.ended(1);
      } finally {
        end(done);
      }
    }

    /** Whatever fails of it, the next line has its turn. */
    private void end(Runnable done) {
      try {
        connection.signals().end();
        connection.signals().runBeforeEnd();
      } finally {
        try {
          gate.close();
        } finally {
          done.run();
        }
      }
    }

    /** Says on standard error why the line ends, as long as there is somebody who takes it. */
    private void tell(String why) {
      List<Fd> streams = greeting.streams();
      // Standard error may be broken as well: then only the exit code can tell.
      Descriptors descriptors =
          new Descriptors(
              streams.get(0),
              streams.get(1),
              streams.get(2),
              connection,
              connection,
              gate,
              failure -> LOG.log(Level.DEBUG, "line: {0}", failure.getMessage()));
      byte[] line = ("berth: " + why + "\n").getBytes(StandardCharsets.UTF_8);
      new StandardOutput(descriptors, descriptors.err()).write(line, 0, line.length);
    }

    private int carryOut() {
      List<Fd> streams = greeting.streams();
      Descriptors descriptors =
          new Descriptors(
              streams.get(0),
              streams.get(1),
              streams.get(2),
              connection,
              connection,
              gate,
              this::endWithOutput);
      PrintStream out = stream(descriptors, descriptors.out(), /* autoFlush= */ false);
      PrintStream err = stream(descriptors, descriptors.err(), /* autoFlush= */ true);
      Caller caller =
          new Caller(
              new BufferedInputStream(new StandardInput(descriptors)),
              out,
              err,
              greeting.environment(),
              WorkingFolder.ofThread(greeting.folder(), pid),
              connection.signals(),
              descriptors);
      int code = Cli.run(greeting.arguments(), caller, this::connect);
      out.flush();
      err.flush();
      return code;
    }

    /** As a process of its own ends whose output takes nothing any more. */
    private void endWithOutput(SyscallException failure) {
      if (failure.is(Errno.EPIPE)) {
        connection.signals().endAsFilter();
      } else {
        connection.signals().runBeforeEnd();
        tell(String.valueOf(failure.getMessage()));
        connection.ended(1);
        gate.shut();
      }
      cancel();
    }

    private static PrintStream stream(Descriptors descriptors, Fd fd, boolean autoFlush) {
      return new PrintStream(
          new BufferedOutputStream(new StandardOutput(descriptors, fd), BUFFER),
          autoFlush,
          StandardCharsets.UTF_8);
    }
  }
}
