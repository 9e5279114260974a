package io.berth.network.port;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.daemon.DelegatedUnit;
import io.berth.base.error.BerthException;
import io.berth.base.time.Sleeper;
import io.berth.linux.CgroupLeaf;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.Poller;
import io.berth.linux.Sockets;
import io.berth.linux.SyscallException;
import io.berth.linux.supervisor.KeeperConnection;
import io.berth.linux.supervisor.SupervisorException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The keeper: a small process of its own that outlives this service, spoken to over a seqpacket
 * socket (see {@link KeeperConnection}). Started when nobody answers; whoever put something into
 * one that died is told.
 */
public final class KeeperClient implements SocketKeeper {
  private static final System.Logger LOG = System.getLogger(KeeperClient.class.getName());
  private static final int START_SECONDS = 10;
  private static final Duration RETRY = Duration.ofMillis(200);

  private final Path socket;
  private final Path program;
  private final @Nullable String cgroup;
  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private @Nullable KeeperConnection connection;

  /** Nothing is asked any more, so a keeper that ends is not missed. */
  @GuardedBy("lock")
  private boolean closed;

  private final Poller poller;

  private volatile Runnable lost = () -> {};

  private KeeperClient(Path socket, Path program, @Nullable String cgroup) throws SyscallException {
    this.poller = Poller.start("keeper-watch");
    this.socket = socket;
    this.program = program;
    this.cgroup = cgroup;
  }

  /**
   * Finds the keeper, or starts it.
   *
   * @param program that is the keeper when its first argument says so
   * @param cgroup where it lives, relative to the hierarchies' roots; null: where this process does
   */
  public static KeeperClient open(Path socket, Path program, @Nullable String cgroup)
      throws IOException {
    KeeperClient client = new KeeperClient(socket, program, cgroup);
    boolean opened = false;
    client.lock.lock();
    try {
      var _ = client.use(client.connect());
      opened = true;
    } finally {
      client.lock.unlock();
      if (!opened) {
        client.close();
      }
    }
    return client;
  }

  /**
   * Speaks by this connection from now on, and sees it end: a port whose keeper died is free for
   * every program of the host, so nobody may have to ask before that is found.
   */
  @GuardedBy("lock")
  private KeeperConnection use(Fd socket) throws SyscallException {
    KeeperConnection to =
        KeeperConnection.open(
            poller,
            socket,
            () -> Thread.ofPlatform().daemon().name("keeper-again").start(this::replace));
    connection = to;
    return to;
  }

  /** Starts another keeper in place of one that ended, until there is one. */
  private void replace() {
    do {
      lock.lock();
      try {
        if (closed || (connection != null && connection.isOpen())) {
          return;
        }
        var _ = startAnew();
        return;
      } catch (IOException e) {
        LOG.log(System.Logger.Level.WARNING, "the keeper has died: {0}", e.getMessage());
      } finally {
        lock.unlock();
      }
    } while (Sleeper.SYSTEM.pause(RETRY));
  }

  /** Another keeper in place of the one that there was. */
  @GuardedBy("lock")
  private KeeperConnection startAnew() throws IOException {
    if (connection != null) {
      connection.close();
      connection = null;
    }
    KeeperConnection anew = use(connect());
    LOG.log(System.Logger.Level.WARNING, "the keeper at {0} had died and is there again", socket);
    Thread.ofPlatform().daemon().name("hold-again").start(lost);
    return anew;
  }

  @Override
  public void whenLost(Runnable action) {
    lost = action;
  }

  private Fd connect() throws IOException {
    try {
      return Sockets.connect(Sockets.Kind.SEQPACKET, socket, /* nonBlocking= */ false);
    } catch (SyscallException e) {
      if (!e.is(Errno.ENOENT) && !e.is(Errno.ECONNREFUSED)) {
        throw e;
      }
    }
    Files.deleteIfExists(socket);
    Process process =
        new ProcessBuilder(program.toString(), "keeper", socket.toString())
            .redirectErrorStream(true)
            .start();
    process.getOutputStream().close();
    try (var output = process.getInputStream()) {
      if (!process.waitFor(START_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
        process.destroyForcibly();
        throw new IOException(
            "start the keeper at `"
                + socket
                + "`: "
                + new String(output.readNBytes(500), StandardCharsets.UTF_8).strip());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("start the keeper at `" + socket + "`: interrupted", e);
    }
    Fd started = Sockets.connect(Sockets.Kind.SEQPACKET, socket, /* nonBlocking= */ false);
    if (cgroup != null) {
      try {
        DelegatedUnit.at(cgroup.substring(0, cgroup.lastIndexOf('/'))).check();
        CgroupLeaf.at(cgroup).enter(Sockets.peer(started).pid());
      } catch (IOException | BerthException.Absent e) {
        LOG.log(
            System.Logger.Level.WARNING,
            "the keeper stays in the cgroup of this service: {0}",
            e.getMessage());
      }
    }
    return started;
  }

  @Override
  public void put(String name, List<Fd> sockets) throws IOException {
    ask(keeper -> {
      try {
        keeper.put(name, sockets);
      } catch (SupervisorException e) {
        if (!e.is(Errno.EEXIST)) {
          throw e;
        }
        keeper.drop(name);
        keeper.put(name, sockets);
      }
      return true;
    });
    sockets.forEach(Fd::close);
  }

  @Override
  public List<String> names() throws IOException {
    return ask(KeeperConnection::names);
  }

  @Override
  public void drop(String name) throws IOException {
    ask(keeper -> {
      try {
        keeper.drop(name);
      } catch (SupervisorException e) {
        if (!e.is(Errno.ENOENT)) {
          throw e;
        }
      }
      return true;
    });
  }

  /** Ends the keeper and with it everything it has. */
  @Override
  public void end() throws IOException {
    lock.lock();
    try {
      var _ =
          ask(keeper -> {
            keeper.shutdown();
            return true;
          });
      closed = true;
    } finally {
      lock.unlock();
    }
  }

  /** What is asked of a keeper. */
  private interface Question<T> {
    T ask(KeeperConnection keeper) throws IOException;
  }

  // Another one cannot listen in its place, nor have its ports, while it only does not answer.
  private void killIfHung(KeeperConnection keeper, IOException failure) {
    if (failure instanceof SyscallException silence && silence.is(Errno.ETIMEDOUT)) {
      try {
        keeper.kill(poller);
      } catch (IOException e) {
        LOG.log(System.Logger.Level.WARNING, "kill the keeper that hangs: {0}", e.getMessage());
      }
    }
  }

  /** Asks once more, of another keeper, where this one has gone meanwhile. */
  @CanIgnoreReturnValue
  private <T> T ask(Question<T> question) throws IOException {
    lock.lock();
    try {
      KeeperConnection to = connection;
      if (to != null && to.isOpen()) {
        try {
          return question.ask(to);
        } catch (SupervisorException e) {
          throw e;
        } catch (IOException e) {
          LOG.log(System.Logger.Level.DEBUG, "ask the keeper: {0}", e.getMessage());
          killIfHung(to, e);
        }
      }
      return question.ask(startAnew());
    } finally {
      lock.unlock();
    }
  }

  /** Closes the connection; the keeper lives on with what it has. */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      if (connection != null) {
        connection.close();
        connection = null;
      }
    } finally {
      lock.unlock();
    }
    poller.close();
  }
}
