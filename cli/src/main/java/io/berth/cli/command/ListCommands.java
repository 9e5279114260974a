package io.berth.cli.command;

import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.ListRequest;
import io.berth.api.berth.container.v1.ListTimingsRequest;
import io.berth.api.berth.container.v1.PortBinding;
import io.berth.api.berth.container.v1.Process;
import io.berth.api.berth.container.v1.Timing;
import io.berth.api.berth.container.v1.TimingsGrpc;
import io.berth.api.berth.container.v1.TopRequest;
import io.berth.api.berth.container.v1.TopResponse;
import io.berth.base.error.BerthException;
import io.berth.base.text.PortRange;
import io.berth.cli.render.ContainerWords;
import io.berth.cli.render.Listing;
import io.berth.cli.render.Table;
import io.berth.cli.render.Words;
import io.berth.cli.session.Session;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The verbs that show containers as tables. */
public final class ListCommands {
  private ListCommands() {}

  /** Lists containers. */
  @Command(
      description = "List containers",
      footer = "Filters: id, name, label, status, health, exited, ancestor, network, ...")
  public static final class Ps extends ListingCommand<Container> {
    private static final int COMMAND_WIDTH = 20;
    private static final int MOUNT_WIDTH = 15;

    @Option(
        names = {"-a", "--all"},
        description = "Stopped ones as well")
    boolean all;

    @Option(
        names = {"-n", "--last"},
        paramLabel = "N",
        description = "The newest, in any state")
    int last;

    @Option(
        names = {"-l", "--latest"},
        description = "The newest one, in any state")
    boolean latest;

    @Option(
        names = {"-s", "--size"},
        description = "With sizes")
    boolean size;

    @Option(
        names = "--timing",
        description = "What each step of its last start and end took, a line each")
    boolean timing;

    private Map<String, Timing> timings = Map.of();

    @Override
    protected List<Container> list(Session session) {
      List<Container> found = containers(session);
      if (timing) {
        ListTimingsRequest.Builder request = ListTimingsRequest.newBuilder();
        found.forEach(container -> request.addIds(container.getId()));
        timings =
            session.call(TimingsGrpc.getListMethod(), request.build()).getTimingsList().stream()
                .collect(Collectors.toMap(Timing::getId, Function.identity()));
      }
      return found;
    }

    private List<Container> containers(Session session) {
      ListRequest request =
          ListRequest.newBuilder()
              .setAll(all || latest || last > 0)
              .addAllFilters(filters())
              .setLast(latest ? 1 : last)
              .setSize(size || format.contains(".Size"))
              .build();
      return session.call(ContainersGrpc.getListMethod(), request).getContainersList();
    }

    @Override
    protected String key(Container container) {
      return id(container.getId());
    }

    @Override
    protected Listing listing() {
      if (timing) {
        return RunTiming.listing();
      }
      return new Listing(
          "formatter.ContainerContext",
          "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}"
              + (size ? "\t{{.Size}}" : ""),
          Listing.titles(
              "ID", "CONTAINER ID",
              "Names", "NAMES",
              "Image", "IMAGE",
              "Command", "COMMAND",
              "CreatedAt", "CREATED AT",
              "RunningFor", "CREATED",
              "Ports", "PORTS",
              "State", "STATE",
              "Status", "STATUS",
              "Size", "SIZE",
              "Labels", "LABELS",
              "Mounts", "MOUNTS",
              "LocalVolumes", "LOCAL VOLUMES",
              "Networks", "NETWORKS",
              "Platform", "PLATFORM",
              "HealthStatus", "HEALTH STATUS"));
    }

    @Override
    protected void add(Listing listing, Container container, Instant now) {
      if (timing) {
        Timing times = timings.getOrDefault(container.getId(), Timing.getDefaultInstance());
        RunTiming.add(listing, id(container.getId()), container.getName(), times);
        return;
      }
      listing
          .row()
          .cell("ID", () -> id(container.getId()))
          .cell("Names", container::getName)
          .cell("Image", () -> ContainerWords.image(container))
          .cell(
              "Command", () -> "\"" + cut(ContainerWords.command(container), COMMAND_WIDTH) + "\"")
          .cell("CreatedAt", () -> moment(container.getCreatedAt()))
          .cell("RunningFor", () -> Words.ago(container.getCreatedAt(), now))
          .cell("Ports", () -> ContainerWords.ports(container.getEndpoint().getPortsList()))
          .cell("State", () -> ContainerWords.state(container.getState()))
          .cell("Status", () -> ContainerWords.status(container.getState(), now))
          .cell("Size", () -> ContainerWords.size(container))
          .cell("Labels", () -> Words.labels(container.getConfig().getLabelsMap()))
          .cell("Mounts", () -> mounts(container))
          .cell("LocalVolumes", () -> String.valueOf(ContainerWords.volumes(container)))
          .cell("Networks", () -> ContainerWords.network(container))
          .cell("Platform", container::getPlatform)
          .cell("HealthStatus", () -> container.getState().getHealth().getStatus())
          .labels(container.getConfig().getLabelsMap());
    }

    private String mounts(Container container) {
      return container.getHost().getMountsList().stream()
          .filter(mount -> !mount.getType().equals("tmpfs"))
          .map(mount -> cut(mount.getSource(), MOUNT_WIDTH))
          .collect(Collectors.joining(","));
    }
  }

  /** Lists the published ports of a container. */
  @Command(description = "Published ports of a container")
  public static final class Port extends SessionCommand {
    @Parameters(index = "0", paramLabel = "CONTAINER", description = "Id, its begin, or name")
    String container = "";

    @Parameters(
        index = "1",
        arity = "0..1",
        paramLabel = "PORT[/PROTOCOL]",
        description = "Only this one of the container's")
    String port = "";

    @Override
    public int run(Session session) {
      Container found = ContainerCommands.get(session, container);
      PortRange.WithProtocol wanted =
          port.isEmpty() ? null : PortRange.WithProtocol.parse("port", port);
      int shown = 0;
      for (PortBinding binding : found.getEndpoint().getPortsList()) {
        if (wanted == null
            || (wanted.ports().contains(binding.getContainerPort())
                && wanted.protocol().equals(binding.getProtocol()))) {
          String inside = binding.getContainerPort() + "/" + binding.getProtocol();
          String outside = ContainerWords.hostSide(binding);
          session.out().println(wanted == null ? inside + " -> " + outside : outside);
          shown++;
        }
      }
      if (shown == 0 && wanted != null) {
        throw new BerthException.NotFound(
            "No private port '" + port + "' allocated on " + container);
      }
      return 0;
    }
  }

  /** Lists the processes of a container. */
  @Command(
      description = "Processes of a container",
      footer = "The options are those of the host's ps (default: -ef); it must print PID.")
  public static final class Top extends SessionCommand {
    private static final List<String> DEFAULT = List.of("-ef");
    private static final int AS_DOCKER = 20;

    @Parameters(index = "0", paramLabel = "CONTAINER", description = "Id, its begin, or name")
    String container = "";

    @Parameters(index = "1..*", paramLabel = "PS-OPTION", description = "aux, -o pid,comm")
    List<String> options = new ArrayList<>();

    @Override
    public boolean endsInProgram() {
      return true;
    }

    @Override
    public int run(Session session) {
      TopResponse answer;
      try {
        answer = ask(session, options.isEmpty() ? DEFAULT : options);
      } catch (BerthException.NotImplemented e) {
        if (!options.isEmpty()) {
          throw e;
        }
        // A host without ps can still be asked for what every ps would tell.
        answer = ask(session, List.of());
      }
      if (answer.getTitlesCount() == 0) {
        usage(answer.getProcessesList()).print(session.out());
        return 0;
      }
      Table table = new Table(answer.getTitlesList(), AS_DOCKER);
      answer.getRowsList().forEach(row -> table.row(row.getCellsList().toArray(String[]::new)));
      table.print(session.out());
      return 0;
    }

    private TopResponse ask(Session session, List<String> psOptions) {
      return session.call(
          ContainersGrpc.getTopMethod(),
          TopRequest.newBuilder().setRef(container).addAllPsOptions(psOptions).build());
    }

    private static Table usage(List<Process> processes) {
      Table table = new Table(List.of("UID", "PID", "PPID", "TIME", "CMD"));
      for (Process process : processes) {
        Duration used = Duration.ofMillis(process.getCpuMs());
        table.row(
            String.valueOf(process.getUid()),
            String.valueOf(process.getPid()),
            String.valueOf(process.getPpid()),
            String.format(
                Locale.ROOT,
                "%02d:%02d:%02d",
                used.toHours(),
                used.toMinutesPart(),
                used.toSecondsPart()),
            process.getCommand());
      }
      return table;
    }
  }
}
