package io.berth.network.port;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.error.BerthException;
import io.berth.base.error.Obstacle;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.SyscallException;
import io.berth.linux.net.NetworkNamespace;
import io.berth.linux.net.PortSocket;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Takes ports of the host's by binding them. Automatic ones are taken in rising order from behind
 * the last one, so that a released port comes again as late as possible. Safe for use by several
 * threads.
 */
public final class HostPorts {
  private final NetworkNamespace host;
  private final int first;
  private final int last;

  @GuardedBy("this")
  private int cursor;

  /** Finds who has a port, for a refusal. */
  @FunctionalInterface
  public interface Holders {
    Holder of(PublishedPort port);
  }

  /**
   * Who has a port.
   *
   * @param text for people, and what they can do
   * @param subject for programs; null if nobody can be told
   */
  public record Holder(String text, Obstacle.@Nullable Subject subject) {}

  /**
   * Ports that are held for one endpoint, until the sockets are closed.
   *
   * @param ports with the host's ports as they were chosen, in the order in which they were asked
   *     for
   */
  public record Held(List<PublishedPort> ports, List<Fd> sockets) implements AutoCloseable {
    public Held {
      ports = List.copyOf(ports);
      sockets = List.copyOf(sockets);
    }

    @Override
    public void close() {
      sockets.forEach(Fd::close);
    }
  }

  /**
   * @param first of the ports that are given out automatically
   * @param last of them, itself included
   */
  public HostPorts(NetworkNamespace host, int first, int last) {
    if (first < 1 || last > 65535 || first > last) {
      throw new BerthException.InvalidArgument(
          "automatic ports from " + first + " to " + last + ": use a range within 1 to 65535");
    }
    this.host = host;
    this.first = first;
    this.last = last;
    this.cursor = first - 1;
  }

  /** Goes on behind a port that was given out before a restart. */
  public synchronized void resume(int port) {
    if (port >= first && port <= last) {
      cursor = port;
    }
  }

  /** The automatic port that was given out last. */
  public synchronized int lastGiven() {
    return cursor;
  }

  /**
   * Takes all of the ports or none.
   *
   * @throws BerthException FAILED_PRECONDITION with the holder's name, or if the host has no such
   *     address; RESOURCE_EXHAUSTED if no automatic port is free
   */
  public Held take(List<PublishedPort> wanted, Holders holders) throws IOException {
    try {
      return host.call(() -> takeInside(wanted));
    } catch (Refused e) {
      // Holders are looked for out here, for that enters the namespace too.
      throw switch (e.why.errno()) {
        case EADDRINUSE ->
            // ALREADY_EXISTS would mean that the container has an endpoint already.
            taken(e.port, holders.of(e.port), e.why);
        case EADDRNOTAVAIL ->
            new BerthException.FailedPrecondition(
                "publish " + where(e.port) + ": this host has no address `" + e.port.hostIp() + "`",
                e.why);
        default -> throw e.why;
      };
    }
  }

  /** A port that cannot be bound, and why. */
  private static final class Refused extends IOException {
    private static final long serialVersionUID = 1L;
    private final transient PublishedPort port;
    private final SyscallException why;

    Refused(PublishedPort port, SyscallException why) {
      super(why);
      this.port = port;
      this.why = why;
    }
  }

  /** In the host's namespace: entering it for each of thousands of ports would be felt. */
  private Held takeInside(List<PublishedPort> wanted) throws IOException {
    List<PublishedPort> ports = new ArrayList<>(wanted.size());
    List<Fd> sockets = new ArrayList<>(wanted.size());
    boolean done = false;
    try {
      for (PublishedPort port : wanted) {
        if (port.hostPort() == 0) {
          ports.add(takeAny(port, sockets));
        } else {
          sockets.add(bind(port));
          ports.add(port);
        }
      }
      done = true;
      return new Held(ports, sockets);
    } finally {
      if (!done) {
        sockets.forEach(Fd::close);
      }
    }
  }

  private static Fd bind(PublishedPort port) throws Refused {
    try {
      return PortSocket.hold(port.protocol(), port.hostIp(), port.hostPort());
    } catch (SyscallException e) {
      throw new Refused(port, e);
    }
  }

  private static BerthException taken(PublishedPort port, Holder holder, SyscallException e) {
    Obstacle.Subject taken = new Obstacle.Subject(Obstacle.Kind.PORT, name(port));
    return new BerthException.FailedPrecondition(
            "publish " + where(port) + ": port is taken by " + holder.text(), e)
        .with(new Obstacle(Obstacle.Reason.PORT_TAKEN, taken, holder.subject()));
  }

  private synchronized PublishedPort takeAny(PublishedPort port, List<Fd> sockets) throws Refused {
    for (int tries = first; tries <= last; tries++) {
      cursor = cursor >= last ? first : cursor + 1;
      PublishedPort candidate = port.at(cursor);
      try {
        sockets.add(bind(candidate));
        return candidate;
      } catch (Refused e) {
        if (!e.why.is(Errno.EADDRINUSE)) {
          throw e;
        }
      }
    }
    throw new BerthException.ResourceExhausted(
        "no more ports available: all from " + first + " to " + last + " are in use");
  }

  private static String where(PublishedPort port) {
    return "`" + name(port) + "`";
  }

  private static String name(PublishedPort port) {
    return port.hostIp() + ":" + port.hostPort() + "/" + port.protocolName();
  }
}
