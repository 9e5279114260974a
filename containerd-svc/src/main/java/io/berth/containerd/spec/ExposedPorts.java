package io.berth.containerd.spec;

import io.berth.base.error.BerthException;
import io.berth.containerd.settings.ContainerConfig;
import io.berth.containerd.settings.NetworkWish;
import io.berth.containerd.settings.PortBinding;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The ports that a container says it listens on, and those of them that are published. */
public final class ExposedPorts {
  private static final Pattern PORTS =
      Pattern.compile("(\\d{1,5})(?:-(\\d{1,5}))?(?:/(tcp|udp|sctp))?");

  private ExposedPorts() {}

  /**
   * Every port of a text by itself, with its protocol: {@code 80/tcp}. INVALID_ARGUMENT for a text
   * that names no ports.
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
   * The ports that are published: the bindings asked for and, where every exposed port is to be
   * published, any free port of the host for each exposed one that has no binding.
   *
   * @param config merged
   */
  public static List<PortBinding> published(ContainerConfig config, NetworkWish network) {
    List<PortBinding> all = new ArrayList<>(network.ports());
    if (!network.publishAll()) {
      return all;
    }
    Set<String> bound = new HashSet<>();
    for (PortBinding port : all) {
      String protocol = port.protocol().isEmpty() ? "tcp" : port.protocol();
      bound.add(port.containerPort() + "/" + protocol);
    }
    for (String exposed : config.exposedPorts()) {
      if (bound.add(exposed)) {
        int slash = exposed.indexOf('/');
        all.add(
            new PortBinding(
                "",
                0,
                Integer.parseInt(exposed.substring(0, slash)),
                exposed.substring(slash + 1)));
      }
    }
    return all;
  }
}
