package io.berth.network.endpoint;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * What is to be undone if an attach fails half-way, the last thing first. A step that fails is
 * logged and does not keep the others from running. For one thread.
 */
final class Undo {
  private static final Logger LOG = System.getLogger(Undo.class.getName());

  private final Deque<Step> steps = new ArrayDeque<>();

  /** Takes one thing back. */
  @FunctionalInterface
  interface Step {
    void run() throws IOException;
  }

  void add(Step step) {
    steps.push(step);
  }

  /** Takes all of it back; the key is for the log. */
  void run(EndpointKey key) {
    for (Step step : steps) {
      try {
        step.run();
      } catch (IOException | RuntimeException e) {
        LOG.log(Level.WARNING, "undo the attach of {0}: {1}", key, e.getMessage());
      }
    }
  }
}
