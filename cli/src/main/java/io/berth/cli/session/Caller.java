package io.berth.cli.session;

import java.io.InputStream;
import java.io.PrintStream;
import java.util.Map;

/**
 * The outside of one command line.
 *
 * @param descriptors whether the three streams are also descriptors 0, 1, 2 of this process, which
 *     can be handed over
 */
public record Caller(
    InputStream in,
    PrintStream out,
    PrintStream err,
    Map<String, String> environment,
    boolean descriptors) {
  public Caller {
    environment = Map.copyOf(environment);
  }
}
