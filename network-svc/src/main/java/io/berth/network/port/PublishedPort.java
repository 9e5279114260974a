package io.berth.network.port;

import io.berth.base.error.BerthException;
import io.berth.linux.net.Ipv4;
import io.berth.linux.net.PortSocket.Protocol;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * A port of the host's that leads to one of a container's.
 *
 * @param hostIp the host's address that it is at; {@link Ipv4#ANY} for all
 * @param hostPort 1 to 65535; 0 while any free one will do
 * @param containerPort 1 to 65535
 */
public record PublishedPort(Protocol protocol, Ipv4 hostIp, int hostPort, int containerPort) {
  private static final int MAX_PORT = 65535;

  public PublishedPort {
    if (hostPort < 0 || hostPort > MAX_PORT) {
      throw new BerthException.InvalidArgument(
          "publish host port " + hostPort + ": ports are 1 to 65535, or 0 for any free one");
    }
    if (containerPort < 1 || containerPort > MAX_PORT) {
      throw new BerthException.InvalidArgument(
          "publish container port " + containerPort + ": ports are 1 to 65535");
    }
  }

  /** The protocol of a name, where the empty name is TCP; INVALID_ARGUMENT for others. */
  public static Protocol protocol(String name) {
    return switch (name.toLowerCase(Locale.ROOT)) {
      case "", "tcp" -> Protocol.TCP;
      case "udp" -> Protocol.UDP;
      default ->
          throw new BerthException.InvalidArgument(
              "publish a port of protocol `" + name + "`: only tcp and udp can be published");
    };
  }

  /** The same at a certain host port. */
  public PublishedPort at(int port) {
    return new PublishedPort(protocol, hostIp, port, containerPort);
  }

  public String protocolName() {
    return protocol.name().toLowerCase(Locale.ROOT);
  }

  /** Ports as one text, for {@link #readAll}. */
  public static String writeAll(List<PublishedPort> ports) {
    return ports.stream().map(PublishedPort::toString).collect(Collectors.joining(","));
  }

  /** Ports as {@link #writeAll} wrote them. */
  public static List<PublishedPort> readAll(String text) {
    if (text.isEmpty()) {
      return List.of();
    }
    return Arrays.stream(text.split(",", -1)).map(PublishedPort::read).toList();
  }

  private static PublishedPort read(String text) {
    String[] parts = text.split("[ :>]+", -1);
    if (parts.length != 4) {
      throw new BerthException.DataLoss("stored port `" + text + "` cannot be read");
    }
    return new PublishedPort(
        protocol(parts[0]),
        Ipv4.parse(parts[1])
            .orElseThrow(
                () -> new BerthException.DataLoss("stored port `" + text + "` cannot be read")),
        Integer.parseInt(parts[2]),
        Integer.parseInt(parts[3]));
  }

  /** {@code tcp 0.0.0.0:8080>80}. */
  @Override
  public String toString() {
    return protocolName() + " " + hostIp + ":" + hostPort + ">" + containerPort;
  }
}
