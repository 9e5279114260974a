package io.berth.shim.run;

import io.berth.base.error.BerthException;
import io.berth.base.error.LaunchFailure;
import io.berth.linux.Errno;
import io.berth.linux.SyscallException;
import io.berth.linux.net.KeptAddress;
import io.berth.linux.net.Link;
import io.berth.linux.net.NetworkNamespace;
import io.berth.linux.net.RouteRequest;
import io.berth.linux.net.RouteSocket;
import io.berth.oci.runtime.Linux;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Interfaces of the machine that go into a container, with their addresses (config-linux.md,
 * "Network Devices"). When the container goes, the kernel gives hardware back to the machine, and
 * what is only software goes with it: the specification forbids to take them out before.
 */
final class NetDevices implements AutoCloseable {
  private static final Logger LOG = System.getLogger(NetDevices.class.getName());

  private final @Nullable Ends ends;
  private final List<Moved> moved = new ArrayList<>();
  private boolean kept;

  private NetDevices(@Nullable Ends ends) {
    this.ends = ends;
  }

  /** Held open, for what is only software would go with the last who holds the container's. */
  private record Ends(End machine, End container) implements AutoCloseable {
    @Override
    public void close() {
      machine.close();
      container.close();
    }
  }

  /** A namespace and a socket in it. */
  private record End(NetworkNamespace namespace, RouteSocket socket) implements AutoCloseable {
    static End of(NetworkNamespace namespace) throws IOException {
      try {
        return new End(namespace, RouteSocket.open(namespace));
      } catch (IOException e) {
        namespace.close();
        throw e;
      }
    }

    @Override
    public void close() {
      socket.close();
      namespace.close();
    }
  }

  /** One that was moved, and what it was on the machine. */
  private record Moved(String name, int index, boolean up, List<KeptAddress> addresses) {}

  /**
   * Moves them to where a process is. Unless {@link #keep} is called before this is closed, they
   * are on the machine again then; also if one cannot be moved.
   */
  static NetDevices move(Map<String, Linux.NetDevice> devices, int init) throws IOException {
    if (devices.isEmpty()) {
      return new NetDevices(null);
    }
    Path file = Path.of("/proc", Integer.toString(init), "ns/net");
    End machine = End.of(NetworkNamespace.own());
    NetDevices taken;
    try {
      taken = new NetDevices(new Ends(machine, End.of(NetworkNamespace.open(file))));
    } catch (IOException e) {
      machine.close();
      throw e;
    }
    boolean done = false;
    try {
      taken.move(devices);
      done = true;
      return taken;
    } finally {
      if (!done) {
        taken.close();
      }
    }
  }

  /** The container is made: they are its own. */
  void keep() {
    kept = true;
  }

  @Override
  public void close() {
    try (Ends both = ends) {
      if (both != null && !kept) {
        moved.forEach(device -> giveBack(both, device));
      }
    }
  }

  private void move(Map<String, Linux.NetDevice> devices) throws SyscallException {
    End machine = Objects.requireNonNull(ends).machine;
    End container = ends.container;
    for (Map.Entry<String, Linux.NetDevice> device : devices.entrySet()) {
      String name = device.getKey();
      if (machine.socket.link(name) == null) {
        throw refused(name, "there is none of that name on the machine", null);
      }
      String inside = device.getValue().nameInside(name);
      if (container.socket.link(inside) != null) {
        throw refused(name, "the container has a `" + inside + "` already", null);
      }
    }
    try {
      for (Map.Entry<String, Linux.NetDevice> device : devices.entrySet()) {
        String name = device.getKey();
        Link link = machine.socket.link(name);
        if (link == null) {
          throw refused(name, "it has gone from the machine", null);
        }
        List<KeptAddress> addresses = machine.socket.permanentAddresses(link.index());
        int index = carry(machine, link, container, device.getValue().nameInside(name));
        moved.add(new Moved(name, index, link.up(), addresses));
        settle(container, index, addresses, /* up= */ true, name);
      }
    } catch (SyscallException e) {
      String why =
          e.is(Errno.EINVAL)
              ? "an interface of its kind cannot be moved, or not under that name"
              : e.errno().text();
      throw refused(e.subject(), why, e);
    }
  }

  private static void giveBack(Ends ends, Moved device) {
    try {
      Link link = ends.container.socket.link(device.index);
      if (link != null) {
        int index = carry(ends.container, link, ends.machine, device.name);
        settle(ends.machine, index, device.addresses, device.up, device.name);
      }
    } catch (SyscallException e) {
      LOG.log(Level.WARNING, "network device " + device.name + ": giving it back", e);
    }
  }

  /** The index that the link has at the other end. */
  private static int carry(End from, Link link, End to, String name) throws SyscallException {
    Set<Integer> before =
        to.socket.links().stream().map(Link::index).collect(Collectors.toUnmodifiableSet());
    from.socket.send(new RouteRequest().move(link.index(), to.namespace.fd(), name), link.name());
    // The kernel keeps an index where that is free, and chooses a name where %d asks for it.
    return to.socket.links().stream()
        .filter(other -> !before.contains(other.index()) && other.address().equals(link.address()))
        .mapToInt(Link::index)
        .findFirst()
        .orElse(link.index());
  }

  private static void settle(
      End end, int link, List<KeptAddress> addresses, boolean up, String name)
      throws SyscallException {
    for (KeptAddress address : addresses) {
      end.socket.send(new RouteRequest().addAddress(link, address), name);
    }
    if (up) {
      end.socket.send(new RouteRequest().setUp(link), name);
    }
  }

  private static BerthException refused(String name, String why, @Nullable SyscallException cause) {
    Errno errno = cause == null ? Errno.UNKNOWN : cause.errno();
    return new BerthException.FailedPrecondition("network device `" + name + "`: " + why, cause)
        .with(new LaunchFailure(LaunchFailure.Kind.OPTION_REFUSED, name, errno));
  }
}
