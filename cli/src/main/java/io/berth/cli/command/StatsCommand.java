package io.berth.cli.command;

import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.ListRequest;
import io.berth.api.containerd.services.tasks.v1.MetricsRequest;
import io.berth.api.containerd.services.tasks.v1.TasksGrpc;
import io.berth.api.containerd.types.Metric;
import io.berth.base.error.BerthException;
import io.berth.base.time.Sleeper;
import io.berth.cli.render.Listing;
import io.berth.cli.render.Sample;
import io.berth.cli.render.Words;
import io.berth.cli.session.Session;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows what containers use, anew every second. */
@Command(description = "What containers use: processor, memory, network, disks")
public final class StatsCommand extends SessionCommand {
  private static final Duration BETWEEN = Duration.ofSeconds(1);
  private static final String CLEAR_SCREEN = "\033[H\033[2J";

  @Option(
      names = {"-a", "--all"},
      description = "Stopped ones as well")
  boolean all;

  @Option(names = "--no-stream", description = "Once, over one second")
  boolean once;

  @Option(names = "--no-trunc", description = "Whole ids")
  boolean whole;

  @Option(names = "--format", paramLabel = "json|TEMPLATE", description = "For programs")
  String format = "";

  @Parameters(
      arity = "0..*",
      paramLabel = "CONTAINER",
      description = "Id, its begin, or name (default: all that run)")
  List<String> containers = new ArrayList<>();

  @Override
  public int run(Session session) {
    PrintStream out = session.out();
    long machine = memoryOfMachine();
    boolean screen = !once && format.isEmpty() && session.caller().writesTerminal();
    // Use is the difference between two samples, so the first one shows nothing.
    Map<String, Sample> before = sample(session);
    while (true) {
      pause();
      List<Container> shown = shown(session);
      Map<String, Sample> now = sample(session);
      Listing listing = listing();
      for (Container container : shown) {
        Sample sample = now.get(container.getId());
        listing.add(
            cells(container, before.getOrDefault(container.getId(), sample), sample, machine));
      }
      if (screen) {
        out.print(CLEAR_SCREEN);
      }
      listing.print(out, format);
      out.flush();
      if (once || out.checkError()) {
        return 0;
      }
      before = now;
    }
  }

  private static Listing listing() {
    return new Listing(
        "container.statsContext",
        "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}"
            + "\t{{.PIDs}}",
        Listing.titles(
            "ID", "CONTAINER ID",
            "Name", "NAME",
            "CPUPerc", "CPU %",
            "MemUsage", "MEM USAGE / LIMIT",
            "MemPerc", "MEM %",
            "NetIO", "NET I/O",
            "BlockIO", "BLOCK I/O",
            "PIDs", "PIDS",
            "Container", "CONTAINER"));
  }

  /** The containers to show. They are asked for anew each time, for containers come and go. */
  private List<Container> shown(Session session) {
    if (!containers.isEmpty()) {
      return containers.stream().map(ref -> ContainerCommands.get(session, ref)).toList();
    }
    ListRequest request = ListRequest.newBuilder().setAll(all).build();
    return session.call(ContainersGrpc.getListMethod(), request).getContainersList();
  }

  private static Map<String, Sample> sample(Session session) {
    Map<String, Sample> samples = new HashMap<>();
    for (Metric metric :
        session
            .call(TasksGrpc.getMetricsMethod(), MetricsRequest.getDefaultInstance())
            .getMetricsList()) {
      samples.put(metric.getId(), Sample.of(metric));
    }
    return samples;
  }

  /** The cells of a container; zeros for one that does not run. */
  private String[] cells(
      Container container, @Nullable Sample before, @Nullable Sample now, long machine) {
    String id = whole ? container.getId() : Words.shortId(container.getId());
    if (now == null || before == null) {
      return new String[] {
        id, container.getName(), "0.00%", "0B / 0B", "0.00%", "0B / 0B", "0B / 0B", "0", id
      };
    }
    long limit = now.limitWithin(machine);
    return new String[] {
      id,
      container.getName(),
      percent(now.cpuSince(before)),
      Words.binarySize(now.memory()) + " / " + Words.binarySize(limit),
      percent(limit == 0 ? 0 : now.memory() * 100.0 / limit),
      Words.size(now.received()) + " / " + Words.size(now.sent()),
      Words.size(now.read()) + " / " + Words.size(now.written()),
      String.valueOf(now.processes()),
      id
    };
  }

  private static String percent(double value) {
    return String.format(Locale.ROOT, "%.2f%%", value);
  }

  private static long memoryOfMachine() {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/meminfo"))) {
        if (line.startsWith("MemTotal:")) {
          return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
        }
      }
    } catch (IOException e) {
      throw new BerthException.Internal("read /proc/meminfo: " + e.getMessage(), e);
    }
    return 0;
  }

  private static void pause() {
    if (!Sleeper.SYSTEM.pause(BETWEEN)) {
      throw new BerthException.Cancelled("stats: interrupted");
    }
  }
}
