package io.berth.containerd.spec;

import io.berth.base.text.PortRange;
import io.berth.containerd.settings.ContainerConfig;
import io.berth.containerd.settings.NetworkWish;
import io.berth.containerd.settings.PortBinding;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The ports that a container says it listens on, and those of them that are published. */
public final class ExposedPorts {
  private ExposedPorts() {}

  /**
   * Every port of a text by itself, with its protocol: {@code 80/tcp}. INVALID_ARGUMENT for a text
   * that names no ports.
   */
  static List<String> each(String text) {
    PortRange.WithProtocol exposed = PortRange.WithProtocol.parse("exposed port", text);
    List<String> each = new ArrayList<>();
    for (int port = exposed.ports().first(); port <= exposed.ports().last(); port++) {
      each.add(port + "/" + exposed.protocol());
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
