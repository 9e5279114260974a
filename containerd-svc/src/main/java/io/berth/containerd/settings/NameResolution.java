package io.berth.containerd.settings;

import java.util.ArrayList;
import java.util.List;

/**
 * How names of hosts are resolved inside a container.
 *
 * @param servers addresses of name servers; empty for those of the network or the host
 * @param search domains that are searched; a single {@code .} for none at all
 * @param options words of the options line (resolv.conf(5))
 * @param extraHosts {@code NAME:ADDRESS}, lines of hosts(5); the address {@code host-gateway} means
 *     the network's gateway
 */
public record NameResolution(
    List<String> servers, List<String> search, List<String> options, List<String> extraHosts) {
  public NameResolution {
    servers = List.copyOf(servers);
    search = List.copyOf(search);
    options = List.copyOf(options);
    extraHosts = List.copyOf(extraHosts);
  }

  /** The same with these hosts behind the others. */
  public NameResolution withMoreHosts(List<String> hosts) {
    List<String> all = new ArrayList<>(extraHosts);
    all.addAll(hosts);
    return new NameResolution(servers, search, options, all);
  }
}
