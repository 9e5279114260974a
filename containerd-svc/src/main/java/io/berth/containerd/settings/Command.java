package io.berth.containerd.settings;

import java.util.List;

/**
 * What is run: the words of the entrypoint, followed by those of the arguments.
 *
 * @param entrypoint the program and its first arguments; may be empty
 * @param entrypointGiven whether an entrypoint was given, also an empty one, which drops both the
 *     entrypoint and the arguments of an image; without meaning in an image's own command
 * @param arguments further words; the first is the program where the entrypoint is empty
 */
public record Command(List<String> entrypoint, boolean entrypointGiven, List<String> arguments) {
  /** Nothing was said; an image's command holds. */
  public static final Command NONE = new Command(List.of(), false, List.of());

  public Command {
    entrypoint = List.copyOf(entrypoint);
    arguments = List.copyOf(arguments);
  }
}
