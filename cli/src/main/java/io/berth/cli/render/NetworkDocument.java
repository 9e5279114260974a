package io.berth.cli.render;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.berth.api.berth.network.v1.Endpoint;
import io.berth.api.berth.network.v1.Network;
import io.berth.base.json.Json;
import io.berth.base.rpc.Timestamps;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Shows a network as docker's {@code network inspect} does, under the same names. */
public final class NetworkDocument {
  private NetworkDocument() {}

  /**
   * The document about a network and the containers on it.
   *
   * @param names of containers by their ids
   */
  public static ObjectNode of(
      Network network, List<Endpoint> endpoints, Map<String, String> names) {
    ObjectNode node = Json.mapper().createObjectNode();
    node.put("Name", network.getName());
    node.put("Id", network.getId());
    node.put("Created", Timestamps.instant(network.getCreatedAt()).toString());
    node.put("Scope", "local");
    node.put("Driver", network.getDriver());
    node.put("EnableIPv6", false);
    ObjectNode addresses = node.putObject("IPAM").put("Driver", "default");
    addresses.putObject("Options");
    if (network.getSubnet().isEmpty()) {
      addresses.putArray("Config");
    } else {
      addresses
          .putArray("Config")
          .addObject()
          .put("Subnet", network.getSubnet())
          .put("Gateway", network.getGateway());
    }
    node.put("Internal", network.getInternal());
    node.put("Attachable", false);
    node.put("Ingress", false);
    node.putObject("ConfigFrom").put("Network", "");
    node.put("ConfigOnly", false);
    ObjectNode containers = node.putObject("Containers");
    for (Endpoint endpoint : endpoints) {
      containers
          .putObject(endpoint.getContainer())
          .put("Name", names.getOrDefault(endpoint.getContainer(), ""))
          .put("EndpointID", endpoint.getId())
          .put("MacAddress", endpoint.getMac())
          .put(
              "IPv4Address",
              endpoint.getAddress().isEmpty()
                  ? ""
                  : endpoint.getAddress() + "/" + endpoint.getPrefixLength())
          .put("IPv6Address", "");
    }
    ObjectNode options = node.putObject("Options");
    new TreeMap<>(network.getOptionsMap()).forEach(options::put);
    ObjectNode labels = node.putObject("Labels");
    new TreeMap<>(network.getLabelsMap()).forEach(labels::put);
    node.put("Interface", network.getInterface());
    node.put("Endpoints", network.getEndpoints());
    node.put("Isolated", network.getIsolated());
    return node;
  }
}
