package io.berth.cli.command;

import io.berth.cli.parse.DetachKeys;
import picocli.CommandLine.Option;

/** The keys that take an attached client away. */
final class DetachOption {
  @Option(
      names = "--detach-keys",
      paramLabel = "KEYS",
      description = "Typed to leave it running (default: ctrl-p,ctrl-q)")
  String typed = "";

  /** The keys; INVALID_ARGUMENT for a text that names none. */
  DetachKeys keys() {
    return DetachKeys.of(typed);
  }
}
