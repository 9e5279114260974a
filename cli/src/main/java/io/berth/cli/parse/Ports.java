package io.berth.cli.parse;

import io.berth.api.berth.container.v1.PortBinding;
import io.berth.base.error.BerthException;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads the values of {@code -p}: {@code [[IP:]HOST:]PORT[/PROTOCOL]}, where both ports may be
 * ranges of the same length.
 */
public final class Ports {
  private Ports() {}

  /** Reads one value, which may mean several bindings; INVALID_ARGUMENT for what cannot be read. */
  public static List<PortBinding> parse(String text) {
    String rest = text;
    String protocol = "tcp";
    int slash = rest.lastIndexOf('/');
    if (slash >= 0) {
      protocol = rest.substring(slash + 1);
      rest = rest.substring(0, slash);
      if (!List.of("tcp", "udp", "sctp").contains(protocol)) {
        throw refused(text, "the protocol must be tcp, udp or sctp");
      }
    }
    int last = rest.lastIndexOf(':');
    int[] container = range(text, rest.substring(last + 1), /* zero= */ false);
    String ip = "";
    int[] host = {0, 0};
    boolean any = true;
    if (last >= 0) {
      String before = rest.substring(0, last);
      int middle = before.lastIndexOf(':');
      ip = middle < 0 ? "" : before.substring(0, middle).replaceAll("^\\[|]$", "");
      String hostPart = before.substring(middle + 1);
      any = hostPart.isEmpty();
      if (!any) {
        host = range(text, hostPart, /* zero= */ true);
        any = host[0] == 0;
      }
    }
    if (!any && host[1] - host[0] != container[1] - container[0]) {
      throw refused(text, "both ranges must have the same length");
    }
    List<PortBinding> bindings = new ArrayList<>();
    for (int i = 0; i <= container[1] - container[0]; i++) {
      bindings.add(
          PortBinding.newBuilder()
              .setHostIp(ip)
              .setHostPort(any ? 0 : host[0] + i)
              .setContainerPort(container[0] + i)
              .setProtocol(protocol)
              .build());
    }
    return bindings;
  }

  private static int[] range(String text, String part, boolean zero) {
    int dash = part.indexOf('-');
    int first = number(text, dash < 0 ? part : part.substring(0, dash), zero);
    int last = dash < 0 ? first : number(text, part.substring(dash + 1), zero);
    if (last < first) {
      throw refused(text, "the range ends before it begins");
    }
    return new int[] {first, last};
  }

  private static int number(String text, String part, boolean zero) {
    int value;
    try {
      value = Integer.parseInt(part);
    } catch (NumberFormatException e) {
      throw refused(text, "`" + part + "` is no port");
    }
    if (value > 65535 || value < (zero ? 0 : 1)) {
      throw refused(text, "port " + value + " is not between " + (zero ? 0 : 1) + " and 65535");
    }
    return value;
  }

  private static BerthException refused(String text, String why) {
    return new BerthException.InvalidArgument("-p `" + text + "`: " + why);
  }
}
