package io.berth.cli;

import io.berth.cli.session.Caller;
import io.berth.cli.session.Descriptors;
import io.berth.cli.session.OwnConnections;
import io.berth.cli.session.OwnProcess;
import io.berth.cli.session.OwnSignals;
import io.berth.cli.session.Signals;
import io.berth.cli.session.StandardInput;
import io.berth.cli.session.StandardOutput;
import io.berth.cli.session.WorkingFolder;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.Processes;
import io.berth.linux.SyscallException;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The program {@code berth}: carries out one line for the process that it is. Only here is this
 * process asked for its streams, environment, folder and signals, and only here does it end.
 */
public final class CliMain {
  private static final int BUFFER = 64 * 1024;

  /** The exit code that a shell shows for a program that SIGPIPE has ended: 128 and 13. */
  private static final int READER_GONE = 141;

  private CliMain() {}

  /** Ends the process with the line's exit code. */
  public static void main(String[] arguments) {
    Signals signals = OwnSignals.attend();
    Descriptors descriptors = Descriptors.ofThisProcess(failure -> endWithOutput(signals, failure));
    PrintStream out = stream(descriptors, descriptors.out(), /* autoFlush= */ false);
    PrintStream err = stream(descriptors, descriptors.err(), /* autoFlush= */ true);
    Caller caller =
        new Caller(
            new BufferedInputStream(new StandardInput(descriptors)),
            out,
            err,
            OwnProcess.environment(System.getenv()),
            WorkingFolder.ofThread(OwnProcess.folder()),
            signals,
            descriptors);
    int code = Cli.run(OwnProcess.arguments(arguments), caller, OwnConnections::to);
    out.flush();
    err.flush();
    if (System.getenv("BERTH_AOT_TRAIN") != null) {
      // The JVM writes the start-up cache at an ordinary end only.
      Rehearsal.run(List.of(arguments));
      System.exit(code);
    }
    // An ordinary end would wait up to a second for threads of event loops.
    Processes.exitNow(code);
  }

  /**
   * Ends the process because an output takes nothing any more: without a word when its reader has
   * gone, as any filter does, and with one when it is something else, such as a full disk.
   */
  private static void endWithOutput(Signals signals, SyscallException failure) {
    if (failure.is(Errno.EPIPE)) {
      signals.endAsFilter();
      Processes.exitNow(READER_GONE);
    }
    signals.runBeforeEnd();
    byte[] line = ("berth: " + failure.getMessage() + "\n").getBytes(StandardCharsets.UTF_8);
    try {
      Fd.adopt(2, "standard error").writeAll(line);
    } catch (SyscallException e) {
      // Standard error is broken as well: only the exit code can tell.
      assert e.errno() != null;
    }
    Processes.exitNow(1);
  }

  /** Text is UTF-8 whatever the locale says, for names and logs are. */
  private static PrintStream stream(Descriptors descriptors, Fd fd, boolean autoFlush) {
    return new PrintStream(
        new BufferedOutputStream(new StandardOutput(descriptors, fd), BUFFER),
        autoFlush,
        StandardCharsets.UTF_8);
  }
}
