package io.berth.cli;

import java.io.PrintStream;
import java.util.List;

/** The text for somebody who asks what there is. */
final class Help {
  /** Options before the verb. */
  static final List<String> GLOBALS =
      List.of(
          "--config",
          "-n",
          "--namespace",
          "-a",
          "--address",
          "--connect-timeout",
          "--timeout",
          "--timing",
          "--debug",
          "--help",
          "--version");

  private Help() {}

  static void print(PrintStream out) {
    out.println("Usage: berth [OPTION...] COMMAND [ARGUMENT...]");
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
    out.println(
        "  -a, --address S    socket of berth-containerd; the others are looked for beside it");
    out.println("  --connect-timeout T  longest wait for a service to answer, such as 1s");
    out.println("  --timeout T        longest time for the whole command, such as 30s");
    out.println("  --debug            print the calls, and where a failure comes from, to stderr");
    out.println("  --timing           print each call and what it took to stderr");
    out.println("  --version          version of this program");
    out.println();
    out.println("Variables: BERTH_NAMESPACE; BERTH_CONTAINERD_ADDRESS, BERTH_IMAGE_ADDRESS,");
    out.println("BERTH_NETWORK_ADDRESS for the sockets. Options come first.");
    out.println();
    out.println("`berth COMMAND --help` tells more.");
  }
}
