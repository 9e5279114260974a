package io.berth.cli.command;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.ListRequest;
import io.berth.api.berth.container.v1.PortBinding;
import io.berth.api.berth.network.v1.CreateNetworkRequest;
import io.berth.api.berth.network.v1.Endpoint;
import io.berth.api.berth.network.v1.EndpointsGrpc;
import io.berth.api.berth.network.v1.ExplainRequest;
import io.berth.api.berth.network.v1.GetNetworkRequest;
import io.berth.api.berth.network.v1.ListEndpointsRequest;
import io.berth.api.berth.network.v1.ListNetworksRequest;
import io.berth.api.berth.network.v1.Network;
import io.berth.api.berth.network.v1.NetworksGrpc;
import io.berth.api.berth.network.v1.RemoveNetworkRequest;
import io.berth.base.error.BerthException;
import io.berth.base.text.PortMapping;
import io.berth.base.text.Variables;
import io.berth.cli.render.Inspection;
import io.berth.cli.render.Listing;
import io.berth.cli.render.NetworkDocument;
import io.berth.cli.render.Words;
import io.berth.cli.session.Session;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The verbs on networks. */
public final class NetworkCommands {
  private NetworkCommands() {}

  /** Makes a network. */
  @Command(description = "Make a network")
  public static final class Create extends SessionCommand {
    @Option(
        names = {"-d", "--driver"},
        paramLabel = "DRIVER",
        description = "bridge (default) or routed")
    String driver = "";

    @Option(names = "--subnet", paramLabel = "CIDR", description = "Default: from the pool")
    String subnet = "";

    @Option(
        names = "--gateway",
        paramLabel = "ADDRESS",
        description = "Default: the first of the subnet")
    String gateway = "";

    @Option(
        names = {"-l", "--label"},
        paramLabel = "KEY=VALUE",
        description = "Label")
    List<String> labels = new ArrayList<>();

    @Option(
        names = {"-o", "--opt"},
        paramLabel = "KEY=VALUE",
        description = "Option of the driver")
    List<String> options = new ArrayList<>();

    @Option(names = "--internal", description = "No way out")
    boolean internal;

    @Option(
        names = {"--attachable", "--ipv4"},
        hidden = true,
        description = "Accepted: every network is so")
    boolean always = true;

    @Option(names = "--ipam-driver", hidden = true, description = "default")
    String addresses = "default";

    @Option(names = "--scope", hidden = true, description = "local")
    String scope = "local";

    @Parameters(paramLabel = "NAME", description = "Of the network")
    String name = "";

    @Override
    public int run(Session session) {
      if (!always) {
        throw new BerthException.InvalidArgument(
            "--attachable, --ipv4: every network has IPv4, and containers attach to it;"
                + " leave the option out");
      }
      only("--ipam-driver", addresses, "default");
      only("--scope", scope, "local");
      Network network =
          session.call(
              NetworksGrpc.getCreateMethod(),
              CreateNetworkRequest.newBuilder()
                  .setName(name)
                  .setDriver(driver)
                  .setSubnet(subnet)
                  .setGateway(gateway)
                  .setInternal(internal)
                  .putAllLabels(Variables.pairs("-l", labels))
                  .putAllOptions(Variables.pairs("-o", options))
                  .build());
      session.out().println(network.getId());
      return 0;
    }
  }

  private static void only(String option, String given, String known) {
    if (!given.equals(known)) {
      throw new BerthException.InvalidArgument(
          option + " `" + given + "`: there is " + known + " alone; leave the option out");
    }
  }

  /** Lists networks. */
  @Command(description = "List networks")
  public static final class Ls extends ListingCommand<Network> {
    @Override
    protected List<Network> list(Session session) {
      ListNetworksRequest request =
          ListNetworksRequest.newBuilder().addAllFilters(filters()).build();
      return session.call(NetworksGrpc.getListMethod(), request).getNetworksList();
    }

    @Override
    protected String key(Network network) {
      return named(network);
    }

    /** Networks that are always there have no id; their names are taken where an id is. */
    private String named(Network network) {
      return network.getId().isEmpty() ? network.getName() : id(network.getId());
    }

    @Override
    protected Listing listing() {
      return new Listing(
          "formatter.networkContext",
          "{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}",
          Listing.titles(
              "ID", "NETWORK ID",
              "Name", "NAME",
              "Driver", "DRIVER",
              "Scope", "SCOPE",
              "IPv6", "IPV6",
              "Internal", "INTERNAL",
              "Labels", "LABELS",
              "CreatedAt", "CREATED AT",
              "Subnet", "SUBNET",
              "Endpoints", "ENDPOINTS"));
    }

    @Override
    protected void add(Listing listing, Network network, Instant now) {
      listing
          .row()
          .cell("ID", () -> named(network))
          .cell("Name", network::getName)
          .cell("Driver", network::getDriver)
          .cell("Scope", () -> "local")
          .cell("IPv6", () -> "false")
          .cell("Internal", () -> String.valueOf(network.getInternal()))
          .cell("Labels", () -> Words.labels(network.getLabelsMap()))
          .cell("CreatedAt", () -> moment(network.getCreatedAt()))
          .cell("Subnet", network::getSubnet)
          .cell("Endpoints", () -> String.valueOf(network.getEndpoints()))
          .labels(network.getLabelsMap());
    }
  }

  /** Removes networks. */
  @Command(description = "Remove networks")
  public static final class Rm extends SessionCommand {
    @Option(
        names = {"-f", "--force"},
        description = "No failure if one is not there")
    boolean force;

    @Parameters(arity = "1..*", paramLabel = "NETWORK", description = "Name or id")
    List<String> networks = new ArrayList<>();

    @Override
    public int run(Session session) {
      return each(
          session,
          networks,
          /* absentIsFine= */ force,
          network -> {
            session.call(
                NetworksGrpc.getRemoveMethod(),
                RemoveNetworkRequest.newBuilder().setRef(network).build());
            session.out().println(network);
          });
    }
  }

  /** Shows everything about networks. */
  @Command(description = "Everything about networks, as JSON")
  public static final class Inspect extends SessionCommand {
    @Option(
        names = {"-f", "--format"},
        paramLabel = "json|TEMPLATE",
        description = "A line each")
    String format = "";

    @Option(
        names = {"-v", "--verbose"},
        hidden = true,
        description = "Accepted: what it adds in docker is of swarms")
    boolean verbose;

    @Parameters(arity = "1..*", paramLabel = "NETWORK", description = "Name or id")
    List<String> networks = new ArrayList<>();

    @Override
    public int run(Session session) {
      Inspection inspection = new Inspection(format);
      int code =
          each(
              session,
              networks,
              network -> inspection.add("types.NetworkResource", document(session, network)));
      inspection.print(session.out());
      return code;
    }

    static ObjectNode document(Session session, String ref) {
      Network network =
          session.call(
              NetworksGrpc.getGetMethod(), GetNetworkRequest.newBuilder().setRef(ref).build());
      List<Endpoint> endpoints = endpoints(session, network.getName());
      Map<String, String> names = new HashMap<>();
      if (!endpoints.isEmpty()) {
        containers(session, ListRequest.newBuilder().setAll(true))
            .forEach(container -> names.put(container.getId(), container.getName()));
      }
      return NetworkDocument.of(network, endpoints, names);
    }

    private static List<Endpoint> endpoints(Session session, String network) {
      if (List.of("none", "host").contains(network)) {
        // berth-network has no part in these.
        return containers(session, ListRequest.newBuilder().addFilters("network=" + network))
            .stream()
            .map(container -> Endpoint.newBuilder().setContainer(container.getId()).build())
            .toList();
      }
      return session
          .call(
              EndpointsGrpc.getListMethod(),
              ListEndpointsRequest.newBuilder().setNetwork(network).build())
          .getEndpointsList();
    }

    private static List<Container> containers(Session session, ListRequest.Builder wanted) {
      return session.call(ContainersGrpc.getListMethod(), wanted.build()).getContainersList();
    }
  }

  /** Tells why a published port can be reached, or why not. */
  @Command(description = "Why a published port is, or is not, reachable")
  public static final class Explain extends SessionCommand {
    @Parameters(paramLabel = "[IP:]PORT[/udp]", description = "On the host")
    String port = "";

    @Override
    public int run(Session session) {
      PortBinding binding = NetworkOptions.bindings(PortMapping.parse("port", port)).getFirst();
      ExplainRequest request =
          ExplainRequest.newBuilder()
              .setPort(binding.toBuilder().setHostPort(binding.getContainerPort()))
              .build();
      session
          .call(EndpointsGrpc.getExplainMethod(), request)
          .getFindingsList()
          .forEach(session.out()::println);
      return 0;
    }
  }
}
