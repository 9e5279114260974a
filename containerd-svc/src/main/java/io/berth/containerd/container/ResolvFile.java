package io.berth.containerd.container;

import io.berth.base.error.BerthException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;

/**
 * The text of {@code /etc/resolv.conf} of a container (resolv.conf(5)).
 *
 * <p>What a person gives counts before what the network serves, and that before what the host has.
 * A server that listens on the host's loopback cannot be reached from a container, so it is left
 * out unless the container shares the host's network.
 *
 * @param servers addresses that a person gives
 * @param search domains that a person gives; a single {@code .} is none at all
 * @param options that a person gives
 * @param networkServers addresses that the container's network serves names at
 */
public record ResolvFile(
    List<String> servers, List<String> search, List<String> options, List<String> networkServers) {
  public ResolvFile {
    servers = List.copyOf(servers);
    search = List.copyOf(search);
    options = List.copyOf(options);
    networkServers = List.copyOf(networkServers);
  }

  /** The settings that a host's file has. */
  private record Parsed(List<String> servers, List<String> search, List<String> options) {
    static Parsed of(String text) {
      List<String> servers = new ArrayList<>();
      List<String> search = List.of();
      List<String> options = new ArrayList<>();
      for (String line : text.lines().toList()) {
        String[] words = line.strip().split("\\s+");
        List<String> rest = List.of(words).subList(1, words.length);
        switch (words[0]) {
          case "nameserver" -> rest.stream().limit(1).forEach(servers::add);
          // Of domain and search the last line counts (resolv.conf(5)).
          case "search", "domain" -> search = rest;
          case "options" -> options.addAll(rest);
          default -> {
            // Comments, and options that only the host's library knows, are left out.
          }
        }
      }
      return new Parsed(servers, search, options);
    }

    List<String> reachable() {
      return servers.stream()
          .filter(server -> {
            // Containers have no IPv6 but on the host's network.
            InetAddress address = Addresses.parse(server);
            return address instanceof Inet4Address
                && !address.isLoopbackAddress()
                && !address.isAnyLocalAddress();
          })
          .toList();
    }
  }

  /**
   * The text. INVALID_ARGUMENT for settings of a person that no resolver could read.
   *
   * @param host the host's file
   * @param behind the file with the servers behind a resolver on the host's loopback
   *     (systemd-resolved has one); empty where there is none
   * @param fallback servers for when neither has one that can be reached
   * @param sharesHost whether the container is on the host's network
   */
  public String text(String host, String behind, List<String> fallback, boolean sharesHost) {
    check();
    Parsed parsed = Parsed.of(host);
    StringBuilder text = new StringBuilder();
    for (String server : chosen(parsed, behind, fallback, sharesHost)) {
      text.append("nameserver ").append(server).append('\n');
    }
    List<String> domains = search.isEmpty() ? parsed.search() : search;
    if (!domains.isEmpty() && !domains.equals(List.of("."))) {
      text.append("search ").append(String.join(" ", domains)).append('\n');
    }
    List<String> words = options.isEmpty() ? parsed.options() : options;
    if (!words.isEmpty()) {
      text.append("options ").append(String.join(" ", words)).append('\n');
    }
    return text.toString();
  }

  /** Whether one of the two files has a server that containers can reach. */
  static boolean hasReachable(String host, String behind) {
    return !Parsed.of(host).reachable().isEmpty() || !Parsed.of(behind).reachable().isEmpty();
  }

  private List<String> chosen(
      Parsed host, String behind, List<String> fallback, boolean sharesHost) {
    if (!servers.isEmpty()) {
      return servers;
    }
    if (!networkServers.isEmpty()) {
      return networkServers;
    }
    if (sharesHost) {
      return host.servers();
    }
    List<String> reachable = host.reachable();
    if (reachable.isEmpty()) {
      reachable = Parsed.of(behind).reachable();
    }
    return reachable.isEmpty() ? fallback : reachable;
  }

  private void check() {
    for (String server : servers) {
      if (Addresses.parse(server) == null) {
        throw refused("dns server", server, "is no address");
      }
    }
    for (String domain : search) {
      if (domain.isEmpty() || !isWord(domain)) {
        throw refused("dns search domain", domain, "is no domain");
      }
    }
    for (String option : options) {
      if (option.isEmpty() || !isWord(option)) {
        throw refused("dns option", option, "is no option of resolv.conf(5)");
      }
    }
  }

  private static boolean isWord(String text) {
    return text.chars().allMatch(c -> c > ' ' && c < 0x7f && c != '#' && c != ';');
  }

  private static BerthException refused(String what, String text, String why) {
    return new BerthException.InvalidArgument(
        what + " `" + text.replaceAll("\\p{Cntrl}", "?") + "`: " + why);
  }
}
