package io.berth.cli.command;

import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.ListRequest;
import io.berth.api.berth.container.v1.PortBinding;
import io.berth.api.berth.container.v1.Process;
import io.berth.api.berth.container.v1.TopRequest;
import io.berth.base.error.BerthException;
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

    @Override
    protected List<Container> list(Session session) {
      ListRequest request =
          ListRequest.newBuilder()
              .setAll(all || latest || last > 0)
              .addAllFilters(filters())
              .setLast(latest ? 1 : last)
              .setSize(size)
              .build();
      return session.call(ContainersGrpc.getListMethod(), request).getContainersList();
    }

    @Override
    protected String key(Container container) {
      return id(container.getId());
    }

    @Override
    protected Listing listing() {
      List<String> titles =
          new ArrayList<>(
              List.of("CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"));
      List<String> fields =
          new ArrayList<>(
              List.of("ID", "Image", "Command", "CreatedAt", "Status", "Ports", "Names"));
      if (size) {
        titles.add("SIZE");
        fields.add("Size");
      }
      return new Listing(titles, fields);
    }

    @Override
    protected void add(Listing listing, Container container, Instant now) {
      List<String> cells =
          new ArrayList<>(
              List.of(
                  id(container.getId()),
                  ContainerWords.image(container),
                  "\"" + cut(ContainerWords.command(container), COMMAND_WIDTH) + "\"",
                  Words.ago(container.getCreatedAt(), now),
                  ContainerWords.status(container.getState(), now),
                  ContainerWords.ports(container.getEndpoint().getPortsList()),
                  container.getName()));
      if (size) {
        String root = Words.size(container.getSizeRoot());
        cells.add(Words.size(container.getSizeRw()) + " (virtual " + root + ")");
      }
      listing.add(cells.toArray(String[]::new));
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
      String wanted = port.isEmpty() || port.contains("/") ? port : port + "/tcp";
      int shown = 0;
      for (PortBinding binding : found.getEndpoint().getPortsList()) {
        String inside = binding.getContainerPort() + "/" + binding.getProtocol();
        if (wanted.isEmpty() || wanted.equals(inside)) {
          String outside = ContainerWords.hostSide(binding);
          session.out().println(wanted.isEmpty() ? inside + " -> " + outside : outside);
          shown++;
        }
      }
      if (shown == 0 && !wanted.isEmpty()) {
        throw new BerthException.NotFound(
            "No private port '" + port + "' allocated on " + container);
      }
      return 0;
    }
  }

  /** Lists the processes of a container. */
  @Command(description = "Processes of a container")
  public static final class Top extends SessionCommand {
    @Parameters(paramLabel = "CONTAINER", description = "Id, its begin, or name")
    String container = "";

    @Override
    public int run(Session session) {
      List<Process> processes =
          session
              .call(
                  ContainersGrpc.getTopMethod(), TopRequest.newBuilder().setRef(container).build())
              .getProcessesList();
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
      table.print(session.out());
      return 0;
    }
  }
}
