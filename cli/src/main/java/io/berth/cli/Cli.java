package io.berth.cli;

import io.berth.base.config.Config;
import io.berth.base.config.Key;
import io.berth.base.daemon.Program;
import io.berth.base.error.BerthException;
import io.berth.cli.command.SessionCommand;
import io.berth.cli.parse.Durations;
import io.berth.cli.session.Caller;
import io.berth.cli.session.Connector;
import io.berth.cli.session.Session;
import io.grpc.Deadline;
import io.grpc.StatusRuntimeException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * One line: what stands before the verb is for this program, the rest is the verb's.
 *
 * <p>Exit codes: a container's own from {@code run}, {@code exec}, {@code start -a} and {@code
 * attach}; 125 for a wrong line and for failures of the engine in {@code run}; 126 when the program
 * cannot be executed, 127 when there is none; 141 when the reader of its output has gone; 1 for
 * another command that failed; 0 otherwise.
 */
public final class Cli {
  private static final int WRONG_LINE = 125;
  private static final Path USUAL_CONFIGURATION = Path.of("/etc/berth/config.toml");

  /**
   * After {@code images}, these are what to do; anything else is a repository's name. Row CD-25.
   */
  private static final Set<String> IMAGE_VERBS =
      Set.of("ls", "list", "pull", "push", "import", "save", "rm", "remove", "tag", "inspect");

  private static final Map<String, String> LONGER = Map.of("-n", "--namespace", "-a", "--address");

  private final Caller caller;
  private final Function<Config, Connector> connectors;

  private final Map<String, String> globals = new HashMap<>();
  private boolean timing;
  private boolean debug;

  private Cli(Caller caller, Function<Config, Connector> connectors) {
    this.caller = caller;
    this.connectors = connectors;
  }

  /**
   * Carries one line out; answers its exit code. Prints one line of cause, place and remedy on
   * failure, never a stack. May block for as long as a container lives.
   */
  public static int run(
      List<String> arguments, Caller caller, Function<Config, Connector> connectors) {
    Cli cli = new Cli(caller, connectors);
    try {
      return cli.line(arguments);
    } catch (BerthException e) {
      return cli.wrong(e.getMessage());
    }
  }

  private int line(List<String> arguments) {
    int at = 0;
    while (at < arguments.size() && arguments.get(at).startsWith("-")) {
      String option = arguments.get(at++);
      int equals = option.indexOf('=');
      String name = equals < 0 ? option : option.substring(0, equals);
      switch (name) {
        case "--config",
            "-n",
            "--namespace",
            "-a",
            "--address",
            "--connect-timeout",
            "--timeout" -> {
          if (equals < 0 && at == arguments.size()) {
            return wrong("option `" + name + "` needs a value");
          }
          String value = equals < 0 ? arguments.get(at++) : option.substring(equals + 1);
          globals.put(LONGER.getOrDefault(name, name), value);
        }
        case "--debug" -> {
          debug = true;
          timing = true;
        }
        case "--timing" -> timing = true;
        case "-h", "--help" -> {
          Help.print(caller.out());
          return 0;
        }
        case "-v", "--version" -> {
          caller.out().println("berth version " + Program.VERSION);
          return 0;
        }
        default -> {
          return wrong("unknown option `" + option + "`" + Nearest.hint(name, Help.GLOBALS));
        }
      }
    }
    if (at == arguments.size()) {
      Help.print(caller.out());
      return 0;
    }
    return verb(arguments.get(at), arguments.subList(at + 1, arguments.size()));
  }

  /** The value of an option before the verb, or of a variable, or the default. */
  private String global(String option, String variable, String otherwise) {
    String typed = globals.get(option);
    String set = caller.environment().getOrDefault(variable, "");
    return typed != null ? typed : set.isEmpty() ? otherwise : set;
  }

  private @Nullable Duration limit(String option) {
    String text = globals.get(option);
    return text == null ? null : Durations.parse(option, text);
  }

  /** Row CD-21. */
  private Config elsewhere(Config config) {
    Map<String, Path> sockets = new HashMap<>();
    String address = globals.get("--address");
    for (String service : List.of(Session.CONTAINERD, Session.IMAGE, Session.NETWORK)) {
      String set =
          caller
              .environment()
              .getOrDefault("BERTH_" + service.toUpperCase(Locale.ROOT) + "_ADDRESS", "");
      if (address != null && service.equals(Session.CONTAINERD)) {
        sockets.put(service, socket(address));
      } else if (!set.isEmpty()) {
        sockets.put(service, socket(set));
      } else if (address != null) {
        sockets.put(service, socket(address).resolveSibling(service + ".sock"));
      }
    }
    return sockets.isEmpty() ? config : config.withSockets(sockets);
  }

  private Path socket(String text) {
    try {
      return caller.path(text.replaceFirst("^unix://", "")).toAbsolutePath();
    } catch (InvalidPathException e) {
      throw new BerthException.InvalidArgument("address `" + text + "`: is no path", e);
    }
  }

  private int verb(String name, List<String> rest) {
    if (name.equals("help")) {
      if (rest.isEmpty()) {
        Help.print(caller.out());
        return 0;
      }
      List<String> asked = new ArrayList<>(rest.subList(1, rest.size()));
      asked.add("--help");
      return verb(rest.getFirst(), asked);
    }
    boolean group =
        name.equals("images") && !rest.isEmpty() && IMAGE_VERBS.contains(rest.getFirst());
    Verb verb = Verb.find(group ? "image" : name);
    if (verb == null) {
      return wrong("No such command: " + name + Nearest.hint(name, Verb.names()));
    }
    CommandLine line = new CommandLine(verb.make());
    line.setCommandName("berth " + name);
    line.setOut(new PrintWriter(caller.out(), /* autoFlush= */ true, StandardCharsets.UTF_8));
    line.setErr(new PrintWriter(caller.err(), /* autoFlush= */ true, StandardCharsets.UTF_8));
    // A first argument that is no option begins a command inside; its options are its own.
    line.setStopAtPositional(false);
    stopAtCommands(line);
    line.setParameterExceptionHandler((e, _) -> wrongLine(e));
    line.setExecutionStrategy(this::execute);
    line.setExecutionExceptionHandler((e, _, _) -> {
      throw e;
    });
    return line.execute(rest.toArray(String[]::new));
  }

  private static void stopAtCommands(CommandLine line) {
    String own = line.getCommandSpec().name();
    if (List.of("run", "create", "exec").contains(own.substring(own.lastIndexOf(' ') + 1))) {
      line.setStopAtPositional(true);
    }
    line.getSubcommands().values().forEach(Cli::stopAtCommands);
  }

  private int execute(CommandLine.ParseResult parsed) {
    CommandLine last = parsed.asCommandLineList().getLast();
    if (CommandLine.printHelpIfRequested(parsed)) {
      return 0;
    }
    if (!(last.getCommandSpec().userObject() instanceof SessionCommand command)) {
      last.usage(last.getErr());
      return WRONG_LINE;
    }
    try {
      return in(command);
    } catch (BerthException e) {
      if (debug) {
        e.printStackTrace(caller.err());
      }
      int told = wrong(e.getMessage());
      boolean refusedHere =
          e instanceof BerthException.InvalidArgument
              && !(e.getCause() instanceof StatusRuntimeException);
      return refusedHere ? told : command.exitCode(e);
    }
  }

  private int in(SessionCommand command) {
    Duration whole = limit("--timeout");
    Session.Terms terms =
        new Session.Terms(
            timing,
            limit("--connect-timeout"),
            whole == null ? null : Deadline.after(whole.toNanos(), TimeUnit.NANOSECONDS));
    Config config = elsewhere(configuration());
    String namespace = global("--namespace", "BERTH_NAMESPACE", config.text(Key.CLI_NAMESPACE));
    try (Connector connector = connectors.apply(config)) {
      return command.run(new Session(config, caller, connector, namespace, terms));
    }
  }

  private Config configuration() {
    String given = globals.get("--config");
    if (given != null) {
      return Config.read(caller.path(given));
    }
    return Files.exists(USUAL_CONFIGURATION) ? Config.read(USUAL_CONFIGURATION) : Config.defaults();
  }

  private int wrong(String why) {
    caller.err().println("berth: " + why.replace('\n', ' '));
    return WRONG_LINE;
  }

  private int wrongLine(ParameterException e) {
    CommandLine line = e.getCommandLine();
    String why = String.valueOf(e.getMessage()).lines().findFirst().orElse("wrong line");
    String hint = "";
    if (e instanceof UnmatchedArgumentException unmatched) {
      String word = unmatched.getUnmatched().getFirst();
      List<String> known = new ArrayList<>(line.getSubcommands().keySet());
      line.getCommandSpec().options().forEach(option -> known.addAll(List.of(option.names())));
      why = (word.startsWith("-") ? "unknown option `" : "unexpected `") + word + "`";
      hint = Nearest.hint(word, known);
    } else if (e instanceof MissingParameterException missing) {
      why =
          missing.getMissing().stream()
              .map(argument -> argument.paramLabel() + " is missing")
              .findFirst()
              .orElse(why);
    }
    return wrong(
        line.getCommandSpec().qualifiedName()
            + ": "
            + why
            + hint
            + " (see `"
            + line.getCommandSpec().qualifiedName()
            + " --help`)");
  }
}
