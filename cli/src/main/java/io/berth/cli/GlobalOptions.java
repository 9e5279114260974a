package io.berth.cli;

import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/**
 * The options that stand before the verb. Of an option that is given twice the last value counts.
 *
 * @param config path of the configuration; null for the usual one
 * @param namespace containerd namespace; null for the configured one
 * @param address socket of berth-containerd; null for the configured one
 * @param connectTimeout longest wait for a connection, as typed; null for none
 * @param timeout longest time for the whole line, as typed; null for none
 * @param timing whether calls are told on standard error
 * @param debug whether failures are told with where they come from
 * @param help whether only the help is wanted
 * @param version whether only the version is wanted
 * @param rest the line from its verb on
 */
record GlobalOptions(
    @Nullable String config,
    @Nullable String namespace,
    @Nullable String address,
    @Nullable String connectTimeout,
    @Nullable String timeout,
    boolean timing,
    boolean debug,
    boolean help,
    boolean version,
    List<String> rest) {

  /**
   * Reads the beginning of a line. Most lines begin with their verb, and for them picocli is not
   * asked.
   *
   * @throws ParameterException for a wrong option or value
   */
  static GlobalOptions read(List<String> line) {
    if (line.isEmpty() || !line.getFirst().startsWith("-")) {
      return new GlobalOptions(null, null, null, null, null, false, false, false, false, line);
    }
    CommandLine reader = new CommandLine(spec());
    ParseResult parsed = reader.parseArgs(line.toArray(String[]::new));
    List<String> rest = parsed.unmatched();
    if (!rest.isEmpty() && rest.getFirst().startsWith("-")) {
      throw new CommandLine.UnmatchedArgumentException(reader, rest);
    }
    boolean debug = parsed.hasMatchedOption("--debug");
    return new GlobalOptions(
        parsed.matchedOptionValue("--config", (@Nullable String) null),
        parsed.matchedOptionValue("--namespace", (@Nullable String) null),
        parsed.matchedOptionValue("--address", (@Nullable String) null),
        parsed.matchedOptionValue("--connect-timeout", (@Nullable String) null),
        parsed.matchedOptionValue("--timeout", (@Nullable String) null),
        debug || parsed.hasMatchedOption("--timing"),
        debug,
        parsed.hasMatchedOption("--help"),
        parsed.hasMatchedOption("--version"),
        rest);
  }

  /** The options as picocli reads them and the help shows them. */
  static CommandSpec spec() {
    CommandSpec spec = CommandSpec.create().name("berth");
    // The first word that is no option is the verb, and what follows is the verb's to read.
    spec.parser()
        .stopAtUnmatched(true)
        .unmatchedArgumentsAllowed(true)
        .posixClusteredShortOptionsAllowed(false)
        .allowOptionsAsOptionParameters(true)
        .overwrittenOptionsAllowed(true)
        .expandAtFiles(false);
    return spec.addOption(
            value("FILE", "configuration (default: /etc/berth/config.toml)", "--config"))
        .addOption(
            value(
                "N",
                "containerd namespace (default: cli.namespace, \"default\")",
                "-n",
                "--namespace"))
        .addOption(
            value(
                "S",
                "socket of berth-containerd; the others are looked for beside it",
                "-a",
                "--address"))
        .addOption(
            value("T", "longest wait for a service to answer, such as 1s", "--connect-timeout"))
        .addOption(value("T", "longest time for the whole command, such as 30s", "--timeout"))
        .addOption(flag("print the calls, and where a failure comes from, to stderr", "--debug"))
        .addOption(flag("print each call and what it took to stderr", "--timing"))
        .addOption(flag("this text", "-h", "--help"))
        .addOption(flag("version of this program", "-v", "--version"));
  }

  private static OptionSpec value(String label, String about, String... names) {
    return OptionSpec.builder(names)
        .type(String.class)
        .paramLabel(label)
        .description(about)
        .build();
  }

  private static OptionSpec flag(String about, String... names) {
    return OptionSpec.builder(names).type(boolean.class).description(about).build();
  }
}
