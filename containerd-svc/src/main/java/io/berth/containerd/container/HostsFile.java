package io.berth.containerd.container;

import io.berth.base.error.BerthException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The text of {@code /etc/hosts} of a container (hosts(5)).
 *
 * @param hostname the container's name
 * @param domainname empty, or what follows the name
 * @param addresses the container's; none where it has no network or shares the host's
 * @param extra {@code NAME:ADDRESS} as a person gives them
 * @param gateway what the address {@code host-gateway} means; empty where there is none
 */
public record HostsFile(
    String hostname,
    String domainname,
    List<String> addresses,
    List<String> extra,
    String gateway) {
  private static final String GATEWAY = "host-gateway";

  private static final String LOCAL =
      """
      127.0.0.1\tlocalhost
      ::1\tlocalhost ip6-localhost ip6-loopback
      fe00::0\tip6-localnet
      ff00::0\tip6-mcastprefix
      ff02::1\tip6-allnodes
      ff02::2\tip6-allrouters
      """;

  public HostsFile {
    addresses = List.copyOf(addresses);
    extra = List.copyOf(extra);
  }

  /**
   * The text for a container with a network of its own, or none. INVALID_ARGUMENT for an extra line
   * that is no line of the file.
   */
  public String text() {
    StringBuilder text = new StringBuilder(LOCAL);
    extraLines().forEach(text::append);
    for (String address : addresses) {
      if (!address.isEmpty()) {
        text.append(address).append('\t').append(names()).append('\n');
      }
    }
    return text.toString();
  }

  /** The whole name, and the shorter ones that it is known by: what stands before its dots. */
  private String names() {
    Set<String> names = new LinkedHashSet<>();
    names.add(domainname.isEmpty() ? hostname : hostname + "." + domainname);
    names.add(hostname);
    int dot = hostname.indexOf('.');
    names.add(dot > 0 ? hostname.substring(0, dot) : hostname);
    return String.join(" ", names);
  }

  /** The text for a container on the host's network: the host's file, and the extra lines. */
  public String text(String hostsOwn) {
    String end = hostsOwn.isEmpty() || hostsOwn.endsWith("\n") ? "" : "\n";
    return hostsOwn + end + String.join("", extraLines());
  }

  private List<String> extraLines() {
    List<String> lines = new ArrayList<>();
    for (String entry : extra) {
      // The first colon ends the name, because addresses have colons and names have none. Docker
      // also takes name=address.
      int part = entry.indexOf(':');
      int equals = entry.indexOf('=');
      if (equals >= 0 && (part < 0 || equals < part)) {
        part = equals;
      }
      String name = part < 0 ? "" : entry.substring(0, part);
      String address = part < 0 ? "" : entry.substring(part + 1);
      lines.add(address(entry, address) + "\t" + name(entry, name) + "\n");
    }
    return lines;
  }

  private static String name(String entry, String name) {
    if (name.isEmpty() || !name.chars().allMatch(c -> c > ' ' && c < 0x7f && c != '#')) {
      throw refused(entry, "has no name that could stand in a hosts file");
    }
    return name;
  }

  private String address(String entry, String given) {
    if (given.equals(GATEWAY)) {
      if (gateway.isEmpty()) {
        throw refused(entry, "the container's network has no gateway");
      }
      return gateway;
    }
    String address =
        given.startsWith("[") && given.endsWith("]")
            ? given.substring(1, given.length() - 1)
            : given;
    if (Addresses.parse(address) == null) {
      throw refused(entry, "has no address; write NAME:ADDRESS");
    }
    return address;
  }

  private static BerthException refused(String entry, String why) {
    return new BerthException.InvalidArgument(
        "extra host `" + entry.replaceAll("\\p{Cntrl}", "?") + "`: " + why);
  }
}
