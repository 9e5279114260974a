package io.berth.cli.command;

import com.fasterxml.jackson.databind.node.ArrayNode;
import io.berth.api.berth.container.v1.PortBinding;
import io.berth.api.berth.network.v1.CreateNetworkRequest;
import io.berth.api.berth.network.v1.EndpointsGrpc;
import io.berth.api.berth.network.v1.ExplainRequest;
import io.berth.api.berth.network.v1.GetNetworkRequest;
import io.berth.api.berth.network.v1.ListNetworksRequest;
import io.berth.api.berth.network.v1.Network;
import io.berth.api.berth.network.v1.NetworksGrpc;
import io.berth.api.berth.network.v1.RemoveNetworkRequest;
import io.berth.base.json.Json;
import io.berth.cli.parse.Ports;
import io.berth.cli.parse.Variables;
import io.berth.cli.render.Document;
import io.berth.cli.render.Listing;
import io.berth.cli.render.Pretty;
import io.berth.cli.session.Session;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
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

    @Parameters(paramLabel = "NAME", description = "Of the network")
    String name = "";

    @Override
    public int run(Session session) {
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
      return id(network.getId());
    }

    @Override
    protected Listing listing() {
      return new Listing(
          List.of("NETWORK ID", "NAME", "DRIVER", "SUBNET", "ENDPOINTS"),
          List.of("ID", "Name", "Driver", "Subnet", "Endpoints"));
    }

    @Override
    protected void add(Listing listing, Network network, Instant now) {
      listing.add(
          id(network.getId()),
          network.getName(),
          network.getDriver(),
          network.getSubnet(),
          String.valueOf(network.getEndpoints()));
    }
  }

  /** Removes networks. */
  @Command(description = "Remove networks")
  public static final class Rm extends SessionCommand {
    @Parameters(arity = "1..*", paramLabel = "NETWORK", description = "Name or id")
    List<String> networks = new ArrayList<>();

    @Override
    public int run(Session session) {
      return each(
          session,
          networks,
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

    @Parameters(arity = "1..*", paramLabel = "NETWORK", description = "Name or id")
    List<String> networks = new ArrayList<>();

    @Override
    public int run(Session session) {
      ArrayNode all = Json.mapper().createArrayNode();
      int code =
          each(
              session,
              networks,
              network ->
                  all.add(
                      Document.of(
                          session.call(
                              NetworksGrpc.getGetMethod(),
                              GetNetworkRequest.newBuilder().setRef(network).build()))));
      Pretty.print(session.out(), all, format);
      return code;
    }
  }

  /** Tells why a published port can be reached, or why not. */
  @Command(description = "Why a published port is, or is not, reachable")
  public static final class Explain extends SessionCommand {
    @Parameters(paramLabel = "[IP:]PORT[/udp]", description = "On the host")
    String port = "";

    @Override
    public int run(Session session) {
      PortBinding binding = Ports.parse(port + (port.contains("/") ? "" : "/tcp")).getFirst();
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
