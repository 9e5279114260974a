package io.berth.cli;

import io.berth.base.config.Config;
import io.berth.cli.session.Caller;
import io.berth.cli.session.Connector;
import io.berth.cli.session.OwnConnections;
import io.berth.cli.session.Signals;
import io.berth.cli.session.WorkingFolder;
import io.berth.linux.Fd;
import io.berth.linux.Poller;
import io.berth.linux.SyscallException;
import io.berth.linux.Terminal;
import io.berth.linux.supervisor.ExitRecord;
import io.berth.linux.supervisor.SupervisorClient;
import io.berth.linux.supervisor.SupervisorListener;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Carries out the lines that people type most while the start-up cache is made, so that the cache
 * holds their classes. Nothing is shown, and a line that fails here loads the same classes.
 */
public final class Rehearsal {
  static final List<List<String>> LINES =
      List.of(
          List.of("ps", "-a"),
          List.of("images"),
          List.of("info"),
          List.of("run", "--rm", "--pull", "never", "-p", "80:80", "-e", "A=B", "none", "true"),
          List.of("run", "-d", "--pull", "never", "--name", "none", "none", "true"),
          List.of("exec", "none", "true"),
          List.of("logs", "none"),
          List.of("inspect", "none"),
          List.of("stop", "none"),
          List.of("rm", "-f", "none"),
          List.of("network", "ls"),
          List.of("tasks", "ls"));

  private Rehearsal() {}

  /** Against the instance whose configuration the line before has named, if it did. */
  static void run(List<String> arguments) {
    lines(arguments, OwnConnections::to);
    attach();
  }

  /**
   * Carries the lines out, without a word.
   *
   * @param arguments a line, of which only the configuration counts that it names
   * @param connectors makes the connections to the services of a configuration
   */
  public static void lines(List<String> arguments, Function<Config, Connector> connectors) {
    List<String> globals =
        arguments.size() > 1 && arguments.getFirst().equals("--config")
            ? arguments.subList(0, 2)
            : List.of();
    PrintStream nowhere =
        new PrintStream(new ByteArrayOutputStream(), /* autoFlush= */ true, StandardCharsets.UTF_8);
    Caller caller =
        new Caller(
            InputStream.nullInputStream(),
            nowhere,
            nowhere,
            Map.of(),
            WorkingFolder.at(Path.of("/")),
            Signals.none(),
            /* descriptors= */ null);
    for (List<String> line : LINES) {
      List<String> all = new ArrayList<>(globals);
      all.addAll(line);
      var _ = Cli.run(all, caller, connectors);
    }
  }

  /** Attaches as far as it goes without a container: to a socket where nobody listens. */
  private static void attach() {
    Signals.none().onResize(() -> {});
    var _ = Terminal.isTerminal(Fd.adopt(0, "stdin"));
    try (Poller poller = Poller.start("rehearsal")) {
      new SupervisorClient(poller).connect(Path.of("/nonexistent/sup.sock"), new Silent()).close();
    } catch (SyscallException e) {
      assert e.errno() != null;
    }
  }

  private static final class Silent implements SupervisorListener {
    @Override
    public void exited(ExitRecord exit) {}
  }
}
