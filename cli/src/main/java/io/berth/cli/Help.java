package io.berth.cli;

import java.io.PrintStream;
import java.util.Locale;
import picocli.CommandLine.Model.OptionSpec;

/** The text for somebody who asks what there is; made from the tables that lines are read with. */
final class Help {
  private Help() {}

  static void print(PrintStream out) {
    out.println("Usage: berth [OPTION...] COMMAND [ARGUMENT...]");
    out.println();
    out.println("Runs containers.");
    for (Verbs.Section section : Verbs.Section.values()) {
      out.println();
      out.println(section.title() + ":");
      for (Verb verb : section.verbs()) {
        out.printf(Locale.ROOT, "  %-12s %s%n", verb.name(), verb.summary());
      }
    }
    out.println();
    out.println("Options before the command:");
    for (OptionSpec option : GlobalOptions.spec().options()) {
      String names = String.join(", ", option.names());
      String typed = option.arity().max() == 0 ? names : names + " " + option.paramLabel();
      out.printf(Locale.ROOT, "  %-20s %s%n", typed, option.description()[0]);
    }
    out.println();
    out.println("Variables: BERTH_NAMESPACE; BERTH_CONTAINERD_ADDRESS, BERTH_IMAGE_ADDRESS,");
    out.println("BERTH_NETWORK_ADDRESS for the sockets. Options come first.");
    out.println();
    out.println("`berth COMMAND --help` tells more.");
  }
}
