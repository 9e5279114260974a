package io.berth.cli;

import io.berth.cli.parse.Nearest;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Says in one line why a line cannot be read. */
final class WrongLine {
  private WrongLine() {}

  static String why(ParameterException refusal) {
    return switch (refusal) {
      case UnmatchedArgumentException e -> unknown(e.getCommandLine(), e.getUnmatched().getFirst());
      case MissingParameterException e when !e.getMissing().isEmpty() ->
          missing(e.getMissing().getFirst());
      default -> String.valueOf(refusal.getMessage()).lines().findFirst().orElse("cannot be read");
    };
  }

  /** Whether all options could be read, and words beside them are too many or missing. */
  static boolean countsWords(ParameterException refusal) {
    return switch (refusal) {
      case UnmatchedArgumentException e -> !e.getUnmatched().getFirst().startsWith("-");
      case MissingParameterException e when !e.getMissing().isEmpty() ->
          !(e.getMissing().getFirst() instanceof OptionSpec);
      default -> false;
    };
  }

  private static String unknown(CommandLine reader, String word) {
    String command = reader.getCommandSpec().qualifiedName().replaceFirst("^berth ?", "");
    String reason =
        word.startsWith("-")
            ? Elsewhere.option(command, word.replaceFirst("=.*", ""))
            : Elsewhere.verb(command + " " + word);
    if (reason != null) {
      return word.replaceFirst("=.*", "") + ": " + reason;
    }
    List<String> known = new ArrayList<>(reader.getSubcommands().keySet());
    reader.getCommandSpec().options().forEach(option -> known.addAll(List.of(option.names())));
    String option = word.startsWith("-") ? word.replaceFirst("=.*", "") : word;
    return (word.startsWith("-") ? "unknown option `" : "unexpected `")
        + word
        + "`"
        + Nearest.hint(option, known);
  }

  private static String missing(ArgSpec argument) {
    return argument instanceof OptionSpec option
        ? "option `" + option.longestName() + "` needs a value"
        : argument.paramLabel() + " is missing";
  }
}
