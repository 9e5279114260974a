package io.berth.cli.resident;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.linux.Epoll;
import io.berth.linux.Fd;
import io.berth.linux.Poller;
import io.berth.linux.Sockets;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.time.ZoneId;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Takes the connections of thin clients, and lets a bounded number of lines be carried out at once.
 * It ends when a client of a newer build comes, nobody does for some time, or it is not wanted.
 */
final class Resident implements AutoCloseable {
  private static final Logger LOG = System.getLogger(Resident.class.getName());
  private static final int MOST_WAITING = 256;

  /** How often it looks whether it is wanted while nobody calls. */
  private static final Duration LOOK = Duration.ofSeconds(3);

  private final Fd listener;
  private final Build build;
  private final Place place;
  private final int atOnce;
  private final LineRunner runner;
  private final Poller poller;
  private final byte[] buffer = new byte[LineProtocol.HELLO_BYTES + 1];
  private final Runnable retirement;
  private final boolean handedOver;

  @GuardedBy("this")
  private final Deque<Client> waiting = new ArrayDeque<>();

  /** Lines that are offered to be carried out, or are. */
  @GuardedBy("this")
  private int taken;

  /** Of those, the ones whose client has gone, and since when. */
  @GuardedBy("this")
  private final Map<Client, Long> abandoned = new HashMap<>();

  @GuardedBy("this")
  private long lastCall = System.nanoTime();

  @GuardedBy("this")
  private boolean retired;

  /** The socket's name is somebody else's to take. */
  @GuardedBy("this")
  private boolean ended;

  /** Null until it listens, and once it takes no more connections. */
  @GuardedBy("this")
  private Poller.@Nullable Registration registration;

  /**
   * Takes a socket that listens.
   *
   * @param atOnce how many lines are carried out at once
   * @param handedOver whether the socket is somebody else's, who listens on when this one has ended
   * @param retirement is done when no more lines are taken: gives what is this one's own away
   */
  Resident(
      Fd listener,
      boolean handedOver,
      Build build,
      int atOnce,
      LineRunner runner,
      Runnable retirement)
      throws IOException {
    this.listener = listener;
    this.handedOver = handedOver;
    this.build = build;
    this.atOnce = atOnce;
    this.runner = runner;
    this.retirement = retirement;
    this.place = Place.own();
    this.poller = Poller.start("lines");
  }

  /** Begins to take connections. */
  void start() throws SyscallException {
    listener.setNonBlocking(true);
    synchronized (this) {
      registration = poller.register(listener, Epoll.EPOLLIN, (_, _) -> accept());
    }
  }

  private void accept() {
    try {
      Fd socket = Sockets.accept(listener);
      if (socket != null) {
        Client client = new Client(socket);
        client.registration = poller.register(socket, Epoll.EPOLLIN, (_, _) -> client.ready());
      }
    } catch (SyscallException e) {
      // Descriptors or memory are short. Clients that waited here would wait in vain.
      LOG.log(Level.ERROR, "take a connection; no more are taken", e);
      leaveListener();
      retire();
    }
  }

  /**
   * Blocks until no more clients are taken and every line is done.
   *
   * @param isWanted asked now and then while nobody calls; false ends it before its time
   */
  void awaitEnd(Duration idle, BooleanSupplier isWanted) throws InterruptedException {
    long left;
    long lastLook = System.nanoTime() - LOOK.toNanos();
    while (true) {
      synchronized (this) {
        if (ended && held() == 0) {
          return;
        }
        left = lastCall + idle.toNanos() - System.nanoTime();
        if (held() > 0 || retired) {
          wait(LOOK.toMillis());
        } else if (left > 0) {
          TimeUnit.NANOSECONDS.timedWait(this, Math.min(left, LOOK.toNanos()));
        }
        left = lastCall + idle.toNanos() - System.nanoTime();
        if (retired || held() > 0) {
          continue;
        }
      }
      // Every line that ends comes by here; a look is one only after a while.
      boolean looks = System.nanoTime() - lastLook >= LOOK.toNanos();
      if (looks) {
        lastLook = System.nanoTime();
      }
      if (left <= 0 || (looks && !isWanted.getAsBoolean())) {
        retire();
      }
    }
  }

  private synchronized void leaveListener() {
    if (registration != null) {
      registration.close();
      registration = null;
    }
  }

  /**
   * Takes no more lines. Those that are carried out already are not touched. At a socket that was
   * handed over, clients are still refused, for nobody else would until this process has ended.
   */
  void retire() {
    synchronized (this) {
      if (retired) {
        return;
      }
      retired = true;
      notifyAll();
    }
    if (!handedOver) {
      leaveListener();
    }
    // On the thread that accepts, so that it is not inside a call.
    if (poller.isCurrentThread()) {
      end();
    } else {
      poller.execute(this::end);
    }
  }

  private void end() {
    if (!handedOver) {
      listener.close();
    }
    retirement.run();
    Client next;
    while ((next = nextWaiting()) != null) {
      next.refuse(whyEnding());
    }
    synchronized (this) {
      ended = true;
      notifyAll();
    }
  }

  /** Whether a client may start another one is for whoever the socket belongs to. */
  private int whyEnding() {
    return handedOver ? LineProtocol.LINE_REFUSED_NOW : LineProtocol.LINE_REFUSED_OLD;
  }

  private synchronized @Nullable Client nextWaiting() {
    return waiting.poll();
  }

  /** Blocks until nothing is carried out; false if no more lines are taken. */
  synchronized boolean awaitPause() throws InterruptedException {
    while (taken > 0 && !retired) {
      wait();
    }
    return !retired;
  }

  /** Blocks until what is this one's own is given away and every line is done. */
  synchronized void awaitLines() throws InterruptedException {
    while (held() > 0 || !ended) {
      wait(LOOK.toMillis());
    }
  }

  /**
   * The lines that keep this process: not those whose client has gone for a while, for a thread
   * that waits in open(2) of a pipe or of a file of a dead server cannot be made to end.
   */
  @GuardedBy("this")
  private int held() {
    long now = System.nanoTime();
    long given = abandoned.values().stream().filter(at -> now - at >= LOOK.toNanos()).count();
    return taken - (int) given;
  }

  private void done() {
    Client next;
    synchronized (this) {
      taken--;
      lastCall = System.nanoTime();
      next = retired ? null : waiting.poll();
      if (next != null) {
        taken++;
      }
      notifyAll();
    }
    if (next != null) {
      Client offered = next;
      poller.execute(offered::offer);
    }
  }

  @Override
  public void close() {
    retire();
    poller.close();
    leaveListener();
    listener.close();
  }

  /** A connection; used on the poller's thread only, but for what says otherwise. */
  private final class Client {
    private final Fd socket;
    private Poller.@Nullable Registration registration;
    private @Nullable Greeting greeting;
    private LineRunner.@Nullable Running running;
    private boolean offered;
    private boolean closed;

    @GuardedBy("Resident.this")
    private boolean lineEnded;

    Client(Fd socket) {
      this.socket = socket;
    }

    void ready() {
      try {
        for (int i = 0; i < 16 && !closed; i++) {
          Sockets.Received received = Sockets.tryReceive(socket, buffer);
          if (received == null) {
            return;
          }
          take(received);
        }
      } catch (IOException | RuntimeException e) {
        LOG.log(Level.DEBUG, "client: {0}", e.getMessage());
        close();
      }
    }

    private void take(Sockets.Received received) throws IOException {
      byte[] message = Arrays.copyOf(buffer, Math.min(received.length(), buffer.length));
      if (message.length == 0) {
        received.close();
        close();
      } else if (greeting == null) {
        greet(Greeting.of(message, received));
      } else {
        received.close();
        ByteBuffer in = ByteBuffer.wrap(message).order(ByteOrder.nativeOrder());
        if (message.length != LineProtocol.MESSAGE_BYTES) {
          throw new IOException("message of " + message.length + " bytes");
        }
        told(in.getInt(), in.getInt());
      }
    }

    private void told(int op, int value) throws IOException {
      LineRunner.Running line = running;
      if (line != null) {
        line.connection().received(op, value);
      } else if (op == LineProtocol.LINE_GO && offered && greeting != null) {
        start(greeting);
      }
    }

    private void start(Greeting line) throws IOException {
      try {
        running = runner.start(socket, line, this::lineDone);
      } catch (IOException e) {
        LOG.log(Level.ERROR, e.getMessage());
        throw e;
      }
    }

    private void greet(Greeting greeted) throws IOException {
      greeting = greeted;
      if (!greeted.build().equals(build)) {
        boolean newer = greeted.build().isNewerThan(build);
        if (newer) {
          retire();
        }
        refuse(newer ? whyEnding() : LineProtocol.LINE_REFUSED_BUILD);
        return;
      }
      Sockets.PeerCredentials peer = Sockets.peer(socket);
      if (!place.equals(Place.of(peer.pid())) || !isZoneKnown(greeted)) {
        refuse(LineProtocol.LINE_REFUSED_PEER);
        return;
      }
      int others;
      int refused = 0;
      synchronized (Resident.this) {
        others = taken;
        if (retired) {
          refused = whyEnding();
        } else if (others < atOnce) {
          taken++;
        } else if (waiting.size() >= MOST_WAITING) {
          refused = LineProtocol.LINE_REFUSED_NOW;
        } else {
          waiting.add(this);
        }
      }
      if (refused != 0) {
        refuse(refused);
      } else if (others < atOnce) {
        offer();
      } else {
        var _ = LineConnection.send(socket, LineProtocol.LINE_WAITS, others);
      }
    }

    /** Whether the caller's time zone is one that a line can be given; a process reads more. */
    private static boolean isZoneKnown(Greeting greeted) {
      String zone = greeted.environment().get("TZ");
      return zone == null || ZoneId.getAvailableZoneIds().contains(zone.replaceFirst("^:", ""));
    }

    void offer() {
      offered = true;
      if (closed) {
        done();
      } else {
        var _ = LineConnection.send(socket, LineProtocol.LINE_OFFER, 0);
      }
    }

    void refuse(int why) {
      var _ = LineConnection.send(socket, LineProtocol.LINE_REFUSED, why);
      close();
    }

    /** Called from the line's thread. */
    private void lineDone() {
      synchronized (Resident.this) {
        lineEnded = true;
        abandoned.remove(this);
      }
      poller.execute(this::close);
      done();
    }

    private void close() {
      if (closed) {
        return;
      }
      closed = true;
      if (registration != null) {
        registration.close();
      }
      LineRunner.Running line = running;
      if (line != null) {
        synchronized (Resident.this) {
          if (!lineEnded) {
            abandoned.put(this, System.nanoTime());
          }
        }
        line.clientGone();
      } else if (greeting != null) {
        greeting.close();
        boolean waited;
        synchronized (Resident.this) {
          waited = waiting.remove(this);
        }
        if (offered && !waited) {
          done();
        }
      }
      socket.close();
    }
  }
}
