package io.berth.network.api;

import com.google.protobuf.Timestamp;
import io.berth.api.berth.container.v1.PortBinding;
import io.berth.api.berth.network.v1.AttachRequest;
import io.berth.api.berth.network.v1.CreateNetworkRequest;
import io.berth.api.berth.network.v1.Endpoint;
import io.berth.api.berth.network.v1.Network;
import io.berth.base.error.BerthException;
import io.berth.base.id.Digest;
import io.berth.linux.net.Ipv4;
import io.berth.linux.net.MacAddress;
import io.berth.network.address.Subnet;
import io.berth.network.endpoint.AttachCall;
import io.berth.network.endpoint.EndpointKey;
import io.berth.network.endpoint.EndpointRecord;
import io.berth.network.endpoint.Holder;
import io.berth.network.endpoint.NetworkRecord;
import io.berth.network.endpoint.Networks;
import io.berth.network.port.PublishedPort;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Translates between the wire's messages and the domain's records, and checks what comes. */
final class NetworkMessages {
  private static final int MAX_PORTS = 4096;

  private NetworkMessages() {}

  static AttachCall attach(String namespace, AttachRequest request) {
    if (request.getNetwork().equals(NetworkRecord.HOST)) {
      throw new BerthException.InvalidArgument(
          "attach container `"
              + request.getContainer()
              + "`: the host's network needs no endpoint; give the container no netns");
    }
    if (request.getPortsCount() > MAX_PORTS) {
      throw new BerthException.InvalidArgument(
          "publish " + request.getPortsCount() + " ports: at most " + MAX_PORTS);
    }
    return new AttachCall(
        new EndpointKey(namespace, request.getContainer()),
        List.of("", "default").contains(request.getNetwork())
            ? NetworkRecord.DEFAULT
            : request.getNetwork(),
        request.getPortsList().stream().map(NetworkMessages::port).toList(),
        request.getNetns().isEmpty() ? Optional.empty() : Optional.of(path(request.getNetns())),
        request.getAddress().isEmpty()
            ? Optional.empty()
            : Optional.of(address(request.getAddress())),
        request.getMac().isEmpty() ? Optional.empty() : Optional.of(mac(request.getMac())),
        request.getName(),
        request.getAliasesList(),
        request.getEphemeral()
            ? Holder.EPHEMERAL
            : request.getRecorded() ? Holder.RECORDED : Holder.UNRECORDED);
  }

  private static Path path(String text) {
    if (text.indexOf('\0') >= 0) {
      throw new BerthException.InvalidArgument("netns: a path has no NUL");
    }
    return Path.of(text);
  }

  static PublishedPort port(PortBinding binding) {
    return new PublishedPort(
        PublishedPort.protocol(binding.getProtocol()),
        hostAddress(binding.getHostIp()),
        number(binding.getHostPort()),
        number(binding.getContainerPort()));
  }

  /** Reads a uint32 of the wire, which is negative in Java from 2^31 on, and then too large. */
  private static int number(int unsigned) {
    return unsigned < 0 ? Integer.MAX_VALUE : unsigned;
  }

  private static Ipv4 hostAddress(String text) {
    if (text.contains(":")) {
      throw new BerthException.InvalidArgument(
          "publish at `" + text + "`: containers have no IPv6 addresses; use an IPv4 address");
    }
    return text.isEmpty() ? Ipv4.ANY : address(text);
  }

  static Ipv4 address(String text) {
    return Ipv4.parse(text)
        .orElseThrow(() ->
            new BerthException.InvalidArgument("address `" + text + "`: not an IPv4 address"));
  }

  private static MacAddress mac(String text) {
    return MacAddress.parse(text)
        .orElseThrow(() ->
            new BerthException.InvalidArgument(
                "hardware address `" + text + "`: not of the form 02:42:ac:11:00:02"));
  }

  static Networks.Wish wish(CreateNetworkRequest request) {
    if (!request.getDriver().isEmpty() && !request.getDriver().equals("bridge")) {
      throw new BerthException.NotImplemented(
          "create network `"
              + request.getName()
              + "`: driver `"
              + request.getDriver()
              + "` is not built; use `bridge`");
    }
    return new Networks.Wish(
        request.getName(),
        request.getSubnet().isEmpty() ? Optional.empty() : Optional.of(subnet(request)),
        request.getGateway().isEmpty()
            ? Optional.empty()
            : Optional.of(address(request.getGateway())),
        request.getInternal(),
        request.getLabelsMap(),
        request.getOptionsMap());
  }

  private static Subnet subnet(CreateNetworkRequest request) {
    Subnet subnet = Subnet.parse(request.getSubnet());
    if (!subnet.isAssignable()) {
      throw new BerthException.InvalidArgument(
          "create network `"
              + request.getName()
              + "`: no host can have an address of `"
              + subnet
              + "`; use one of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16");
    }
    return subnet;
  }

  static Network network(NetworkRecord network, int endpoints) {
    return Network.newBuilder()
        .setName(network.name())
        .setId(network.id())
        .setDriver("bridge")
        .setSubnet(network.subnet().toString())
        .setGateway(network.gateway().toString())
        .setInterface(network.bridge())
        .setInternal(network.internal())
        .putAllLabels(network.labels())
        .putAllOptions(network.options())
        .setCreatedAt(timestamp(network.createdAt()))
        .setEndpoints(endpoints)
        .build();
  }

  /** The networks that are in no table: none, host, and the default one before its first use. */
  static Network builtIn(String id, String name, String driver, String bridge) {
    return Network.newBuilder()
        .setId(id)
        .setName(name)
        .setDriver(driver)
        .setInterface(bridge)
        .build();
  }

  /**
   * @param network that it is on; empty for none
   */
  static Endpoint endpoint(
      EndpointRecord endpoint, Optional<NetworkRecord> network, List<String> nameservers) {
    Endpoint.Builder message =
        Endpoint.newBuilder()
            .setContainer(endpoint.key().container())
            .setNamespace(endpoint.key().namespace())
            .setNetns(endpoint.netns().toString())
            .setAttachedAt(timestamp(endpoint.attachedAt()));
    if (network.isEmpty()) {
      return message.setNetwork(NetworkRecord.NONE).build();
    }
    message
        .setNetwork(network.get().name())
        .setNetworkId(network.get().id())
        .setId(id(endpoint))
        .setInterface(endpoint.place().link())
        .setHostInterface(endpoint.place().hostLink())
        .setAddress(endpoint.place().address().toString())
        .setPrefixLength(network.get().subnet().prefixLength())
        .setGateway(network.get().gateway().toString())
        .setMac(endpoint.place().mac().toString())
        .addAllNameservers(nameservers);
    if (nameservers.isEmpty()) {
      message.addWarnings(
          "this host names no nameserver that a container can reach; give one with --dns");
    }
    endpoint.ports().forEach(port -> message.addPorts(binding(port)));
    return message.build();
  }

  /** As long as docker's, and as unique as the short one; a new one for each attach. */
  private static String id(EndpointRecord endpoint) {
    return Digest.sha256(endpoint.id() + "/" + endpoint.attachedAt().toEpochMilli()).hex();
  }

  private static PortBinding binding(PublishedPort port) {
    return PortBinding.newBuilder()
        .setHostIp(port.hostIp().toString())
        .setHostPort(port.hostPort())
        .setContainerPort(port.containerPort())
        .setProtocol(port.protocolName())
        .build();
  }

  private static Timestamp timestamp(Instant instant) {
    return Timestamp.newBuilder()
        .setSeconds(instant.getEpochSecond())
        .setNanos(instant.getNano())
        .build();
  }
}
