package io.berth.containerd.spec;

import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.NetworkConfig;
import io.berth.api.berth.container.v1.PortBinding;
import io.berth.base.error.BerthException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Ports that a container says it listens on: {@code 80}, {@code 53/udp}, {@code 8000-8009/tcp}. */
public final class ExposedPorts {
  private static final Pattern PORTS =
      Pattern.compile("(\\d{1,5})(?:-(\\d{1,5}))?(?:/(tcp|udp|sctp))?");

  private ExposedPorts() {}

  /**
   * With every port by itself and its protocol, {@code 80/tcp}. INVALID_ARGUMENT for another text.
   */
  static List<String> each(String text) {
    Matcher ports = PORTS.matcher(text);
    int first = ports.matches() ? Integer.parseInt(ports.group(1)) : 0;
    int last = first != 0 && ports.group(2) != null ? Integer.parseInt(ports.group(2)) : first;
    if (first < 1 || last < first || last > 65_535) {
      throw new BerthException.InvalidArgument(
          "exposed port `" + text + "`: write PORT, PORT/udp or FIRST-LAST/tcp, from 1 to 65535");
    }
    List<String> each = new ArrayList<>();
    for (int port = first; port <= last; port++) {
      each.add(port + "/" + (ports.group(3) == null ? "tcp" : ports.group(3)));
    }
    return each;
  }

  /**
   * What is published: the bindings asked for and, with {@code publish_all}, any host port for each
   * exposed one that has none (rows MB-39, MB-77).
   *
   * @param config merged
   */
  public static List<PortBinding> published(Config config, NetworkConfig network) {
    List<PortBinding> all = new ArrayList<>(network.getPortsList());
    if (!network.getPublishAll()) {
      return all;
    }
    Set<String> bound = new HashSet<>();
    for (PortBinding port : all) {
      String protocol = port.getProtocol().isEmpty() ? "tcp" : port.getProtocol();
      bound.add(port.getContainerPort() + "/" + protocol);
    }
    for (String exposed : config.getExposedPortsList()) {
      if (bound.add(exposed)) {
        int slash = exposed.indexOf('/');
        all.add(
            PortBinding.newBuilder()
                .setContainerPort(Integer.parseInt(exposed.substring(0, slash)))
                .setProtocol(exposed.substring(slash + 1))
                .build());
      }
    }
    return all;
  }
}
