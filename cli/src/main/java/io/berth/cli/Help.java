package io.berth.cli;

import java.io.PrintStream;
import java.util.List;

/** The text for somebody who asks what there is. */
final class Help {
  /** Options before the verb. */
  static final List<String> GLOBALS =
      List.of("--config", "-n", "--namespace", "--timing", "--help", "--version");

  private Help() {}

  static void print(PrintStream out) {
    out.println("Usage: berth [--config FILE] [-n NAMESPACE] [--timing] COMMAND [ARGUMENT...]");
    out.println();
    out.println("Runs containers.");
    for (Verb.Kind kind : Verb.Kind.values()) {
      out.println();
      out.println(kind.title() + ":");
      for (Verb verb : Verb.all()) {
        if (verb.kind() == kind) {
          out.printf("  %-12s %s%n", verb.name(), verb.about());
        }
      }
    }
    out.println();
    out.println("Options before the command:");
    out.println("  --config FILE      configuration (default: /etc/berth/config.toml)");
    out.println("  -n, --namespace N  containerd namespace (default: cli.namespace, \"default\")");
    out.println("  --timing           print each call and what it took to stderr");
    out.println("  --version          version of this program");
    out.println();
    out.println("`berth COMMAND --help` tells more.");
  }
}
