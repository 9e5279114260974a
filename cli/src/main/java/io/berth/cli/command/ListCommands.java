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
import java.io.PrintStream;
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

  /** {@code ps}. Rows D01-20 to D01-26. */
  @Command(description = "List containers")
  public static final class Ps extends SessionCommand {
    private static final int COMMAND_WIDTH = 20;
    private static final List<String> FIELDS =
        List.of("ID", "Image", "Command", "CreatedAt", "Status", "Ports", "Names");

    @Option(
        names = {"-a", "--all"},
        description = "Stopped ones as well")
    boolean all;

    @Option(
        names = {"-q", "--quiet"},
        description = "Ids only")
    boolean quiet;

    @Option(
        names = {"--no-trunc", "-notrunc"},
        description = "Whole ids and commands")
    boolean whole;

    @Option(
        names = {"-f", "--filter"},
        paramLabel = "KEY=VALUE",
        description = "Only those: id, name, label, status, health, exited, ancestor, network, ...")
    List<String> filters = new ArrayList<>();

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

    @Option(names = "--format", paramLabel = "json|TEMPLATE", description = "For programs")
    String format = "";

    @Override
    public int run(Session session) {
      ListRequest request =
          ListRequest.newBuilder()
              .setAll(all || latest || last > 0)
              .addAllFilters(filters)
              .setLast(latest ? 1 : last)
              .setSize(size)
              .build();
      List<Container> list =
          session.call(ContainersGrpc.getListMethod(), request).getContainersList();
      PrintStream out = session.out();
      if (quiet) {
        list.forEach(container -> out.println(id(container)));
        return 0;
      }
      Instant now = Instant.now();
      List<String> header =
          new ArrayList<>(
              List.of("CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"));
      List<String> fields = new ArrayList<>(FIELDS);
      if (size) {
        header.add("SIZE");
        fields.add("Size");
      }
      Listing listing = new Listing(header.toArray(String[]::new));
      for (Container container : list) {
        listing.add(fields, cells(container, now));
      }
      listing.print(out, format);
      return 0;
    }

    private String id(Container container) {
      return whole ? container.getId() : Words.shortId(container.getId());
    }

    private String[] cells(Container container, Instant now) {
      String line = ContainerWords.command(container);
      List<String> cells =
          new ArrayList<>(
              List.of(
                  id(container),
                  ContainerWords.image(container),
                  "\"" + (whole ? line : Words.cut(line, COMMAND_WIDTH)) + "\"",
                  Words.ago(container.getCreatedAt(), now),
                  ContainerWords.status(container.getState(), now),
                  ContainerWords.ports(container.getEndpoint().getPortsList()),
                  container.getName()));
      if (size) {
        cells.add(
            Words.size(container.getSizeRw())
                + " (virtual "
                + Words.size(container.getSizeRoot())
                + ")");
      }
      return cells.toArray(String[]::new);
    }
  }

  /** {@code port}. Rows D01-49, D01-50. */
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

  /** {@code top}. */
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
      Table table = new Table("UID", "PID", "PPID", "TIME", "CMD");
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
