package io.berth.cli.command;

import io.berth.base.error.BerthException;
import io.berth.cli.session.Session;
import java.util.List;
import picocli.CommandLine.Option;

/**
 * A verb that talks to services. Its fields are what was typed, and are read by picocli; its names
 * stand in the table of verbs.
 */
public abstract class SessionCommand {
  @Option(names = "--help", usageHelp = true, description = "Show this text")
  boolean help;

  /**
   * Carries the verb out and answers the exit code. Called once for an object, on a thread that may
   * block.
   *
   * @throws BerthException for a failure, whose exit code {@link #exitCode} tells
   */
  public abstract int run(Session session);

  /** The exit code of a failure that {@link #run} threw. */
  public int exitCode(BerthException failure) {
    return 1;
  }

  /**
   * Whether the line ends in a program with arguments of its own. Then options end at the first
   * argument that is none: what follows is not this command's to read.
   */
  public boolean endsInProgram() {
    return false;
  }

  /** What is done to one of several objects. */
  protected interface Action {
    /** Does it, and prints what there is to tell. */
    void on(String ref);
  }

  /**
   * Does something to each of several objects. A failure is printed as a line and does not keep the
   * others from their turn; the exit code is 1 if there was one, else 0.
   */
  protected static int each(Session session, List<String> refs, Action action) {
    return each(session, refs, /* absentIsFine= */ false, action);
  }

  /**
   * The same.
   *
   * @param absentIsFine whether a thing that is not there is told and is no failure, as docker has
   *     it where a removal is forced
   */
  protected static int each(
      Session session, List<String> refs, boolean absentIsFine, Action action) {
    int code = 0;
    for (String ref : refs) {
      try {
        action.on(ref);
      } catch (BerthException e) {
        session.err().println("berth: " + e.getMessage());
        if (!(absentIsFine && e instanceof BerthException.NotFound)) {
          code = 1;
        }
      }
    }
    return code;
  }
}
