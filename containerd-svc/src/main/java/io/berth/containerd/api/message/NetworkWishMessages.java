package io.berth.containerd.api.message;

import io.berth.api.berth.container.v1.Endpoint;
import io.berth.api.berth.container.v1.NetworkConfig;
import io.berth.api.berth.container.v1.PortBinding;
import io.berth.containerd.settings.NetworkEndpoint;
import io.berth.containerd.settings.NetworkWish;
import java.util.List;

/** A container's network: {@code NetworkConfig}, {@code Endpoint} and {@code PortBinding}. */
public final class NetworkWishMessages {
  private NetworkWishMessages() {}

  /** A wish, from the wire. */
  public static NetworkWish read(NetworkConfig message) {
    return new NetworkWish(
        message.getMode(),
        read(message.getPortsList()),
        message.getAliasesList(),
        message.getAddress(),
        message.getMac(),
        message.getPublishAll(),
        message.getLinksList());
  }

  /** A wish, for the wire. */
  public static NetworkConfig write(NetworkWish network) {
    return NetworkConfig.newBuilder()
        .setMode(network.mode())
        .addAllPorts(write(network.ports()))
        .addAllAliases(network.aliases())
        .setAddress(network.address())
        .setMac(network.mac())
        .setPublishAll(network.publishAll())
        .addAllLinks(network.links())
        .build();
  }

  /** Ports, from the wire. */
  public static List<io.berth.containerd.settings.PortBinding> read(List<PortBinding> ports) {
    return ports.stream()
        .map(port ->
            new io.berth.containerd.settings.PortBinding(
                port.getHostIp(), port.getHostPort(), port.getContainerPort(), port.getProtocol()))
        .toList();
  }

  /** Ports, for the wire. */
  public static List<PortBinding> write(List<io.berth.containerd.settings.PortBinding> ports) {
    return ports.stream()
        .map(port ->
            PortBinding.newBuilder()
                .setHostIp(port.hostIp())
                .setHostPort(port.hostPort())
                .setContainerPort(port.containerPort())
                .setProtocol(port.protocol())
                .build())
        .toList();
  }

  static NetworkEndpoint read(Endpoint message) {
    return new NetworkEndpoint(
        message.getNetwork(),
        message.getAddress(),
        message.getPrefixLength(),
        message.getGateway(),
        message.getMac(),
        message.getNetns(),
        read(message.getPortsList()),
        message.getAddress6(),
        message.getNetworkId(),
        message.getId());
  }

  static Endpoint write(NetworkEndpoint endpoint) {
    return Endpoint.newBuilder()
        .setNetwork(endpoint.network())
        .setAddress(endpoint.address())
        .setPrefixLength(endpoint.prefixLength())
        .setGateway(endpoint.gateway())
        .setMac(endpoint.mac())
        .setNetns(endpoint.netns())
        .addAllPorts(write(endpoint.ports()))
        .setAddress6(endpoint.address6())
        .setNetworkId(endpoint.networkId())
        .setId(endpoint.id())
        .build();
  }
}
