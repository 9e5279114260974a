package io.berth.cli.command;

import io.berth.api.berth.container.v1.NetworkConfig;
import io.berth.api.berth.container.v1.PortBinding;
import io.berth.base.error.BerthException;
import io.berth.base.text.PortMapping;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** The options for a container's place on a network, its names and its published ports. */
final class NetworkOptions {
  @Option(
      names = {"--network", "--net"},
      paramLabel = "NETWORK",
      description = "bridge (default), host, none, container:NAME, or a network's name")
  List<String> networks = new ArrayList<>();

  @Option(
      names = {"-p", "--publish"},
      paramLabel = "[[IP:]HOST:]PORT[/udp]",
      description = "Publish a port")
  List<String> publish = new ArrayList<>();

  @Option(
      names = {"-P", "--publish-all"},
      description = "Publish all ports that the image or --expose names")
  boolean publishAll;

  @Option(
      names = {"--network-alias", "--net-alias"},
      paramLabel = "NAME",
      description = "Another name for it on its network")
  List<String> aliases = new ArrayList<>();

  @Option(names = "--ip", paramLabel = "ADDRESS", description = "Fixed address")
  String address = "";

  @Option(names = "--mac-address", paramLabel = "MAC", description = "Fixed MAC address")
  String mac = "";

  @Option(names = "--dns", paramLabel = "ADDRESS", description = "Name server")
  List<String> dns = new ArrayList<>();

  @Option(names = "--dns-search", paramLabel = "DOMAIN", description = "Search domain")
  List<String> dnsSearch = new ArrayList<>();

  @Option(
      names = {"--dns-option", "--dns-opt"},
      paramLabel = "OPTION",
      description = "Option of resolv.conf")
  List<String> dnsOptions = new ArrayList<>();

  @Option(names = "--add-host", paramLabel = "NAME:ADDRESS", description = "Line of /etc/hosts")
  List<String> addHosts = new ArrayList<>();

  @Option(
      names = "--link",
      paramLabel = "CONTAINER[:ALIAS]",
      description = "Its address under a name in /etc/hosts")
  List<String> links = new ArrayList<>();

  NetworkConfig build() {
    if (networks.size() > 1) {
      throw new BerthException.InvalidArgument(
          "Container cannot be connected to network endpoints: " + String.join(", ", networks));
    }
    String mode =
        networks.isEmpty() || networks.getFirst().equals("default") ? "" : networks.getFirst();
    if (mode.equals("container:")) {
      throw new BerthException.InvalidArgument("--network `container:`: name the container");
    }
    for (String line : addHosts) {
      if (line.indexOf(':') < 1 && line.indexOf('=') < 1) {
        throw new BerthException.InvalidArgument(
            "--add-host `" + line + "`: write NAME:ADDRESS or NAME=ADDRESS");
      }
    }
    NetworkConfig.Builder network =
        NetworkConfig.newBuilder()
            .setMode(mode)
            .setAddress(address)
            .setMac(mac)
            .addAllAliases(aliases)
            .addAllLinks(links)
            .setPublishAll(publishAll);
    publish.forEach(text -> network.addAllPorts(bindings(PortMapping.parse("-p", text))));
    return network.build();
  }

  /** A binding for each of the container's ports. */
  static List<PortBinding> bindings(PortMapping mapping) {
    if (mapping.host().size() > mapping.container().size()) {
      throw new BerthException.InvalidArgument(
          "-p `"
              + mapping
              + "`: any free one of a range cannot be had; name the port, or none for any free"
              + " one");
    }
    List<PortBinding> bindings = new ArrayList<>();
    for (int i = 0; i < mapping.container().size(); i++) {
      bindings.add(
          PortBinding.newBuilder()
              .setHostIp(mapping.hostIp())
              .setHostPort(mapping.host().first() == 0 ? 0 : mapping.host().first() + i)
              .setContainerPort(mapping.container().first() + i)
              .setProtocol(mapping.protocol())
              .build());
    }
    return bindings;
  }
}
