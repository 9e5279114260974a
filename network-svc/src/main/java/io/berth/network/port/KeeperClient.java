package io.berth.network.port;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.time.Sleeper;
import io.berth.linux.CgroupLeaf;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.Poller;
import io.berth.linux.Sockets;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The keeper: a small process of its own that outlives this service, spoken to over a seqpacket
 * socket (operations OP_PUT, OP_LIST, OP_DROP and OP_SHUTDOWN of the native protocol). Started when
 * nobody answers; whoever put something into one that died is told.
 */
public final class KeeperClient implements SocketKeeper {
  private static final System.Logger LOG = System.getLogger(KeeperClient.class.getName());
  private static final int OP_SHUTDOWN = 15;
  private static final int OP_PUT = 128;
  private static final int OP_LIST = 130;
  private static final int OP_DROP = 131;
  private static final int FLAG_ERROR = 0x4000;
  private static final int HEADER_BYTES = 16;
  private static final int MESSAGE_BYTES = HEADER_BYTES + 65536;
  private static final int START_SECONDS = 10;
  private static final Duration RETRY = Duration.ofMillis(200);

  private final Path socket;
  private final Path program;
  private final @Nullable String cgroup;
  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private final byte[] buffer = new byte[MESSAGE_BYTES];

  @GuardedBy("lock")
  private @Nullable Fd connection;

  @GuardedBy("lock")
  private long request;

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
      client.use(client.connect());
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
  private void use(Fd to) throws SyscallException {
    connection = to;
    var _ =
        poller.register(
            to,
            /* events= */ 0,
            (registration, _) -> {
              registration.close();
              Thread.ofPlatform().daemon().name("keeper-again").start(() -> replace(to));
            });
  }

  /** Starts another keeper in place of one that ended, until there is one. */
  private void replace(Fd ended) {
    do {
      lock.lock();
      try {
        if (closed || (connection != ended && connection != null)) {
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
  private Fd startAnew() throws IOException {
    if (connection != null) {
      connection.close();
      connection = null;
    }
    Fd anew = connect();
    use(anew);
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
        CgroupLeaf.at(cgroup).enter(Sockets.peer(started).pid());
      } catch (IOException e) {
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
    try {
      ask(OP_PUT, name, sockets);
    } catch (SyscallException e) {
      if (!e.is(Errno.EEXIST)) {
        throw e;
      }
      drop(name);
      ask(OP_PUT, name, sockets);
    }
    sockets.forEach(Fd::close);
  }

  @Override
  public List<String> names() throws IOException {
    List<String> names = new ArrayList<>();
    while (true) {
      ByteBuffer page = ask(OP_LIST, names.isEmpty() ? "" : names.getLast(), List.of());
      if (!page.hasRemaining()) {
        return names;
      }
      while (page.remaining() > Short.BYTES) {
        page.getShort();
        int start = page.position();
        while (page.hasRemaining() && page.get() != 0) {
          // A name ends with a zero byte.
        }
        byte[] name = new byte[page.position() - start - 1];
        page.get(start, name);
        names.add(new String(name, StandardCharsets.UTF_8));
      }
    }
  }

  @Override
  public void drop(String name) throws IOException {
    try {
      ask(OP_DROP, name, List.of());
    } catch (SyscallException e) {
      if (!e.is(Errno.ENOENT)) {
        throw e;
      }
    }
  }

  /** Ends the keeper and with it everything it has. */
  @Override
  public void end() throws IOException {
    lock.lock();
    try {
      var _ = ask(OP_SHUTDOWN, "", List.of());
      closed = true;
    } finally {
      lock.unlock();
    }
  }

  private ByteBuffer ask(int op, String text, List<Fd> descriptors) throws IOException {
    lock.lock();
    try {
      Fd to = connection;
      if (to != null) {
        try {
          return exchange(to, op, text, descriptors);
        } catch (SyscallException e) {
          if (!e.is(Errno.EPIPE) && !e.is(Errno.ECONNRESET) && !e.is(Errno.ENOTCONN)) {
            throw e;
          }
        }
      }
      return exchange(startAnew(), op, text, descriptors);
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private ByteBuffer exchange(Fd to, int op, String text, List<Fd> descriptors)
      throws SyscallException {
    byte[] payload = Arrays.copyOf(text.getBytes(StandardCharsets.UTF_8), text.length() + 1);
    ByteBuffer message =
        ByteBuffer.allocate(HEADER_BYTES + payload.length).order(ByteOrder.LITTLE_ENDIAN);
    message
        .putShort((short) op)
        .putShort((short) descriptors.size())
        .putInt(payload.length)
        .putLong(++request)
        .put(payload);
    Sockets.send(to, message.array(), descriptors);
    try (Sockets.Received received = Sockets.receive(to, buffer)) {
      if (received.length() == 0) {
        throw new SyscallException("ask the keeper", socket.toString(), Errno.EPIPE);
      }
      ByteBuffer answer =
          ByteBuffer.wrap(Arrays.copyOf(buffer, received.length())).order(ByteOrder.LITTLE_ENDIAN);
      if (received.length() < HEADER_BYTES
          || answer.getInt(4) != received.length() - HEADER_BYTES
          || answer.getLong(8) != request) {
        throw new SyscallException("ask the keeper", socket.toString(), Errno.EPROTO);
      }
      if ((answer.getShort(2) & FLAG_ERROR) != 0) {
        int error = received.length() >= HEADER_BYTES + 4 ? answer.getInt(HEADER_BYTES) : 0;
        throw new SyscallException("ask the keeper for", text, error);
      }
      return answer.position(HEADER_BYTES).slice().order(ByteOrder.LITTLE_ENDIAN);
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
