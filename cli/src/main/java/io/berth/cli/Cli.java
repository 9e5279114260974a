package io.berth.cli;

import io.berth.base.config.Config;
import io.berth.base.config.Key;
import io.berth.base.daemon.Program;
import io.berth.base.error.BerthException;
import io.berth.base.text.GoDuration;
import io.berth.base.text.RawText;
import io.berth.cli.command.SessionCommand;
import io.berth.cli.parse.Nearest;
import io.berth.cli.session.Caller;
import io.berth.cli.session.Connector;
import io.berth.cli.session.Session;
import io.grpc.Deadline;
import java.io.PrintStream;
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
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/**
 * Carries out one line: the options before the verb, the verb, and what belongs to the verb.
 *
 * <p>Exit codes: a container's own from {@code run}, {@code exec}, {@code start -a} and {@code
 * attach}; 125 for options that cannot be read and for failures of {@code run} itself; 126 when the
 * program cannot be executed, 127 when there is none; 141 when the reader of its output has gone; 1
 * for another command that failed, for one that there is not, and for words that are too many or
 * missing; 0 otherwise.
 */
public final class Cli {
  private static final int WRONG_LINE = 125;
  private static final int FAILED = 1;
  private static final Path USUAL_CONFIGURATION = Path.of("/etc/berth/config.toml");

  private final Caller caller;
  private final Function<Config, Connector> connectors;
  private final GlobalOptions globals;
  private final Session.Terms terms;

  private Cli(
      Caller caller,
      Function<Config, Connector> connectors,
      GlobalOptions globals,
      Session.Terms terms) {
    this.caller = caller;
    this.connectors = connectors;
    this.globals = globals;
    this.terms = terms;
  }

  /**
   * Carries one line out and answers its exit code. A failure prints one line with its cause, place
   * and remedy, never a stack. Blocks as long as the command takes, which may be as long as a
   * container lives. Lines of several callers may be carried out at the same time.
   *
   * @param connectors makes the connections to the services of a configuration
   */
  public static int run(
      List<String> arguments, Caller caller, Function<Config, Connector> connectors) {
    for (String argument : arguments) {
      if (!RawText.isText(argument)) {
        // It would go to a service in a field that is text, or name a file in a message.
        return refuse(caller, "argument `" + RawText.shown(argument) + "`: is not UTF-8");
      }
    }
    GlobalOptions globals;
    try {
      globals = GlobalOptions.read(arguments);
    } catch (ParameterException e) {
      return refuse(caller, WrongLine.why(e));
    }
    if (globals.version() && !globals.help()) {
      caller.out().println("berth version " + Program.VERSION);
      return 0;
    }
    if (globals.help() || globals.rest().isEmpty()) {
      Help.print(caller.out());
      return 0;
    }
    try {
      return new Cli(caller, connectors, globals, terms(globals)).line(globals.rest());
    } catch (BerthException e) {
      return refuse(caller, e.getMessage());
    }
  }

  private static int refuse(Caller caller, String why) {
    caller.err().println("berth: " + why.replace('\n', ' '));
    return WRONG_LINE;
  }

  private int line(List<String> words) {
    if (words.getFirst().equals("help")) {
      if (words.size() == 1) {
        Help.print(caller.out());
        return 0;
      }
      List<String> asked = new ArrayList<>(words.subList(1, words.size()));
      asked.add("--help");
      return line(asked);
    }
    Verbs.Called called = Verbs.find(words);
    if (called == null) {
      String name = words.getFirst();
      String reason = Elsewhere.verb(name);
      if (reason != null) {
        refuse(caller, name + ": " + reason);
      } else {
        refuse(caller, "No such command: " + name + Nearest.hint(name, Verbs.names()));
      }
      return FAILED;
    }
    CommandLine reader = reader(called.verb());
    reader.setCommandName("berth " + String.join(" ", words.subList(0, called.words())));
    return reader.execute(words.subList(called.words(), words.size()).toArray(String[]::new));
  }

  private CommandLine reader(Verb verb) {
    CommandLine reader = new CommandLine(specOf(verb));
    reader.setOut(new PrintWriter(caller.out(), /* autoFlush= */ true, StandardCharsets.UTF_8));
    reader.setErr(new PrintWriter(caller.err(), /* autoFlush= */ true, StandardCharsets.UTF_8));
    // An argument `@name` is a name like any other, not a file with arguments.
    reader.setExpandAtFiles(false);
    reader.setParameterExceptionHandler((e, _) -> wrongLine(e));
    reader.setExecutionStrategy(this::execute);
    reader.setExecutionExceptionHandler((e, _, _) -> {
      throw e;
    });
    return reader;
  }

  /** What picocli is to read: of a group all its commands, for its help and for hints. */
  private static CommandSpec specOf(Verb verb) {
    if (verb.maker() != null) {
      SessionCommand command = verb.maker().get();
      CommandSpec spec = CommandSpec.forAnnotatedObject(command);
      spec.parser().stopAtPositional(command.endsInProgram());
      return spec;
    }
    CommandSpec group = CommandSpec.create();
    group.usageMessage().description(verb.about());
    group.addOption(
        OptionSpec.builder("--help").usageHelp(true).description("Show this text").build());
    for (Verb inside : verb.inside().get()) {
      CommandSpec one = specOf(inside).name(inside.name());
      one.aliases(inside.names().stream().skip(1).toArray(String[]::new));
      group.addSubcommand(inside.name(), one);
    }
    return group;
  }

  private int execute(CommandLine.ParseResult parsed) {
    for (CommandLine read : parsed.asCommandLineList()) {
      if (read.isUsageHelpRequested()) {
        usage(read, caller.out(), caller.writesTerminal());
        return 0;
      }
    }
    CommandLine last = parsed.asCommandLineList().getLast();
    if (!(last.getCommandSpec().userObject() instanceof SessionCommand command)) {
      // A group by itself is a question what there is, as docker takes it.
      usage(last, caller.err(), caller.complainsOnTerminal());
      return 0;
    }
    try {
      return in(command);
    } catch (BerthException e) {
      if (globals.debug()) {
        e.printStackTrace(caller.err());
      }
      refuse(caller, e.getMessage());
      return command.exitCode(e);
    }
  }

  /** Prints how a command is called; in colours on a terminal, unless the caller wants none. */
  private void usage(CommandLine command, PrintStream to, boolean terminal) {
    boolean plain = caller.environment().containsKey("NO_COLOR");
    command.usage(to, terminal && !plain ? CommandLine.Help.Ansi.ON : CommandLine.Help.Ansi.OFF);
  }

  private int in(SessionCommand command) {
    Config config = elsewhere(configuration());
    String typed = globals.namespace();
    String set = caller.environment().getOrDefault("BERTH_NAMESPACE", "");
    String namespace = typed != null ? typed : set.isEmpty() ? config.text(Key.CLI_NAMESPACE) : set;
    try (Connector connector = connectors.apply(config)) {
      return command.run(new Session(config, caller, connector, namespace, terms));
    }
  }

  private static Session.Terms terms(GlobalOptions globals) {
    Duration whole = limit("--timeout", globals.timeout());
    return new Session.Terms(
        globals.timing(),
        limit("--connect-timeout", globals.connectTimeout()),
        whole == null ? null : Deadline.after(whole.toNanos(), TimeUnit.NANOSECONDS));
  }

  private static @Nullable Duration limit(String option, @Nullable String text) {
    return text == null ? null : GoDuration.parsePositive(option, text);
  }

  private Config configuration() {
    String typed = globals.config();
    String given = typed != null ? typed : caller.environment().getOrDefault("BERTH_CONFIG", "");
    if (typed != null || !given.isEmpty()) {
      return Config.read(caller.path(given));
    }
    return Files.exists(USUAL_CONFIGURATION) ? Config.read(USUAL_CONFIGURATION) : Config.defaults();
  }

  /**
   * The configuration with the sockets that an option or variables name. The option names that of
   * berth-containerd, and stands for the folder of the others as well; a variable of a service
   * counts for that service alone.
   */
  private Config elsewhere(Config config) {
    Map<String, Path> sockets = new HashMap<>();
    String address = globals.address();
    for (String service : List.of(Session.CONTAINERD, Session.IMAGE, Session.NETWORK)) {
      String variable = "BERTH_" + service.toUpperCase(Locale.ROOT) + "_ADDRESS";
      String set = caller.environment().getOrDefault(variable, "");
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
      return caller.absolute(text.replaceFirst("^unix://", ""));
    } catch (InvalidPathException e) {
      throw new BerthException.InvalidArgument("address `" + text + "`: is no path", e);
    }
  }

  private int wrongLine(ParameterException e) {
    String name = e.getCommandLine().getCommandSpec().qualifiedName();
    int code = refuse(caller, name + ": " + WrongLine.why(e) + " (see `" + name + " --help`)");
    return WrongLine.countsWords(e) ? FAILED : code;
  }
}
