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
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Interfaces of the machine that go into a container, with their addresses (config-linux.md,
 * "Network Devices"). When the container goes, the kernel gives hardware back to the machine, and
 * what is only software goes with it: the specification forbids to take them out before.
 */
final class NetDevices {
  private static final Logger LOG = System.getLogger(NetDevices.class.getName());

  private final End machine;
  private final End container;

  private NetDevices(End machine, End container) {
    this.machine = machine;
    this.container = container;
  }

  /** A namespace and a socket in it. */
  private record End(NetworkNamespace namespace, RouteSocket socket) {}

  /** One that was moved, and what it was on the machine. */
  private record Moved(String name, int index, boolean up, List<KeptAddress> addresses) {}

  /**
   * Moves them to where a process is. If one cannot be moved, those that were are on the machine
   * again.
   */
  static void move(Map<String, Linux.NetDevice> devices, int init) throws IOException {
    if (devices.isEmpty()) {
      return;
    }
    Path file = Path.of("/proc", Integer.toString(init), "ns/net");
    try (NetworkNamespace machine = NetworkNamespace.own();
        NetworkNamespace container = NetworkNamespace.open(file);
        RouteSocket from = RouteSocket.open(machine);
        RouteSocket to = RouteSocket.open(container)) {
      new NetDevices(new End(machine, from), new End(container, to)).move(devices);
    }
  }

  private void move(Map<String, Linux.NetDevice> devices) throws SyscallException {
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
    List<Moved> moved = new ArrayList<>();
    boolean done = false;
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
      done = true;
    } catch (SyscallException e) {
      String why =
          e.is(Errno.EINVAL)
              ? "an interface of its kind cannot be moved, or not under that name"
              : e.errno().text();
      throw refused(e.subject(), why, e);
    } finally {
      if (!done) {
        moved.forEach(this::giveBack);
      }
    }
  }

  private void giveBack(Moved device) {
    try {
      Link link = container.socket.link(device.index);
      if (link != null) {
        int index = carry(container, link, machine, device.name);
        settle(machine, index, device.addresses, device.up, device.name);
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
