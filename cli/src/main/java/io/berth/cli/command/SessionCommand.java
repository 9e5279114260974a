package io.berth.cli.command;

import io.berth.base.error.BerthException;
import io.berth.cli.session.Session;
import java.util.List;
import picocli.CommandLine.Option;

/** A verb that talks to services. Its fields are what was typed. */
public abstract class SessionCommand {
  @Option(names = "--help", usageHelp = true, description = "Show this text")
  boolean help;

  /** Carries it out; answers the exit code. Called once, on a thread that may wait. */
  public abstract int run(Session session);

  /** The exit code of a failure that {@link #run} threw. */
  public int exitCode(BerthException failure) {
    return 1;
  }

  /** What is done to one of several objects. */
  protected interface Action {
    /** Prints what it has to. */
    void on(String ref);
  }

  /**
   * Goes on after a failure, with a line for each; 1 if there was one. Rows D01-01, D01-10, D01-16.
   */
  protected static int each(Session session, List<String> refs, Action action) {
    int code = 0;
    for (String ref : refs) {
      try {
        action.on(ref);
      } catch (BerthException e) {
        session.err().println("berth: " + e.getMessage());
        code = 1;
      }
    }
    return code;
  }
}
