package io.berth.network.endpoint;

import io.berth.linux.net.ForwardChain;
import io.berth.linux.net.Link;
import io.berth.network.link.HostNetwork;
import io.berth.network.link.InstanceNames;
import io.berth.network.nat.ForeignChains;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What other programs had on this host when it did not forward packets: none of it needs that it
 * does.
 *
 * @param boot in which that was
 * @param bridges their names
 * @param forwardRules how many rules a chain had that forwarded packets come by
 */
record OthersThen(String boot, Set<String> bridges, Map<String, Integer> forwardRules) {

  /** What the host has at this moment. */
  static OthersThen now(String boot, HostNetwork host) throws IOException {
    Set<String> bridges = new TreeSet<>();
    bridges(host).forEach(bridge -> bridges.add(bridge.name()));
    return new OthersThen(boot, bridges, forwardRules(host));
  }

  /**
   * What came since and may rely on a host that forwards: bridges with an address, by which those
   * who are on them reach the rest of the world, and rules about forwarded packets.
   */
  List<String> cameSince(HostNetwork host) throws IOException {
    List<String> found = new ArrayList<>();
    Set<Integer> addressed = new HashSet<>();
    host.links().addresses().forEach(address -> addressed.add(address.link()));
    for (Link bridge : bridges(host)) {
      if (addressed.contains(bridge.index()) && !bridges.contains(bridge.name())) {
        found.add("bridge `" + bridge.name() + "`");
      }
    }
    forwardRules(host)
        .forEach((chain, rules) -> {
          if (rules > forwardRules.getOrDefault(chain, 0)) {
            found.add("rules of chain `" + chain + "`");
          }
        });
    return found;
  }

  private static List<Link> bridges(HostNetwork host) throws IOException {
    return host.links().links().stream()
        .filter(link -> link.kind().equals("bridge") && !InstanceNames.isBerths(link))
        .toList();
  }

  private static Map<String, Integer> forwardRules(HostNetwork host) throws IOException {
    Map<String, Integer> rules = new TreeMap<>();
    for (ForwardChain chain : host.nft().forwardChains()) {
      if (!InstanceNames.isBerthsTable(chain.name().table())) {
        long others = chain.rules().stream().filter(rule -> !ForeignChains.isBerths(rule)).count();
        rules.put(chain.name().toString(), (int) others);
      }
    }
    return rules;
  }
}
