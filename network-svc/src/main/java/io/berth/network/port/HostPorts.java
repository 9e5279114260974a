package io.berth.network.port;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.error.BerthException;
import io.berth.base.error.Obstacle;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.SyscallException;
import io.berth.linux.net.Ipv4;
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
    List<PublishedPort> ports = new ArrayList<>();
    List<Fd> sockets = new ArrayList<>();
    boolean done = false;
    try {
      for (PublishedPort port : wanted) {
        ports.add(port.hostPort() == 0 ? takeAny(port, sockets) : takeOne(port, sockets, holders));
      }
      done = true;
      return new Held(ports, sockets);
    } finally {
      if (!done) {
        sockets.forEach(Fd::close);
      }
    }
  }

  private PublishedPort takeOne(PublishedPort port, List<Fd> sockets, Holders holders)
      throws IOException {
    try {
      bind(port, sockets);
      return port;
    } catch (SyscallException e) {
      throw switch (e.errno()) {
        case EADDRINUSE ->
            // ALREADY_EXISTS would mean that the container has an endpoint already.
            taken(port, holders.of(port), e);
        case EADDRNOTAVAIL ->
            new BerthException.FailedPrecondition(
                "publish " + where(port) + ": this host has no address `" + port.hostIp() + "`", e);
        default -> throw e;
      };
    }
  }

  private static BerthException taken(PublishedPort port, Holder holder, SyscallException e) {
    Obstacle.Subject taken = new Obstacle.Subject(Obstacle.Kind.PORT, name(port));
    return new BerthException.FailedPrecondition(
            "publish " + where(port) + ": port is taken by " + holder.text(), e)
        .with(new Obstacle(Obstacle.Reason.PORT_TAKEN, taken, holder.subject()));
  }

  private synchronized PublishedPort takeAny(PublishedPort port, List<Fd> sockets)
      throws IOException {
    for (int tries = first; tries <= last; tries++) {
      cursor = cursor >= last ? first : cursor + 1;
      PublishedPort candidate = port.at(cursor);
      try {
        bind(candidate, sockets);
        return candidate;
      } catch (SyscallException e) {
        if (e.is(Errno.EADDRNOTAVAIL)) {
          throw new BerthException.FailedPrecondition(
              "publish " + where(port) + ": this host has no address `" + port.hostIp() + "`", e);
        }
        if (!e.is(Errno.EADDRINUSE)) {
          throw e;
        }
      }
    }
    throw new BerthException.ResourceExhausted(
        "no more ports available: all from " + first + " to " + last + " are in use");
  }

  /** Adds the sockets that hold the port, or nothing. */
  private void bind(PublishedPort port, List<Fd> sockets) throws IOException {
    Fd four = PortSocket.hold(host, port.protocol(), port.hostIp(), port.hostPort());
    if (!port.hostIp().equals(Ipv4.ANY)) {
      sockets.add(four);
      return;
    }
    try {
      Fd six = PortSocket.holdIpv6(host, port.protocol(), port.hostPort());
      sockets.add(four);
      sockets.add(six);
    } catch (SyscallException e) {
      if (e.is(Errno.EAFNOSUPPORT) || e.is(Errno.EADDRNOTAVAIL)) {
        // The host has no IPv6, so IPv4 is all that is to be held.
        sockets.add(four);
        return;
      }
      four.close();
      throw e;
    }
  }

  private static String where(PublishedPort port) {
    return "`" + name(port) + "`";
  }

  private static String name(PublishedPort port) {
    return port.hostIp() + ":" + port.hostPort() + "/" + port.protocolName();
  }
}
