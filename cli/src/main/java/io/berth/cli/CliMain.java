package io.berth.cli;

import io.berth.cli.session.Caller;
import io.berth.cli.session.Signals;
import io.berth.cli.session.Sockets;
import io.berth.cli.session.StandardOutput;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.Processes;
import io.berth.linux.SyscallException;
import java.io.BufferedOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** The one-shot program. */
public final class CliMain {
  private static final int BUFFER = 64 * 1024;

  /** What a shell says of a program that SIGPIPE has ended. */
  private static final int READER_GONE = 141;

  private CliMain() {}

  /** Ends the process with the line's exit code. */
  public static void main(String[] arguments) {
    // Text is UTF-8 whatever the locale says: names and logs are.
    Signals.attend();
    StandardOutput.onFailure(CliMain::failed);
    PrintStream out = stream(Fd.adopt(1, "standard output"), /* autoFlush= */ false);
    PrintStream err = stream(Fd.adopt(2, "standard error"), /* autoFlush= */ true);
    Caller caller = new Caller(System.in, out, err, System.getenv(), /* descriptors= */ true);
    int code = Cli.run(List.of(arguments), caller, Sockets::new);
    out.flush();
    err.flush();
    if (System.getenv("BERTH_AOT_TRAIN") != null) {
      // What the start-up cache is made from; it is written by an ordinary end only.
      Rehearsal.run(List.of(arguments));
      System.exit(code);
    }
    // An ordinary end waits up to a second for event loops.
    Processes.exitNow(code);
  }

  /** As any filter: without a word when its reader has gone, with one when there is no room. */
  private static void failed(SyscallException failure) {
    if (failure.is(Errno.EPIPE)) {
      Signals.endAsFilter();
      Processes.exitNow(READER_GONE);
    }
    Signals.runBeforeEnd();
    byte[] line = ("berth: " + failure.getMessage() + "\n").getBytes(StandardCharsets.UTF_8);
    try {
      Fd.adopt(2, "standard error").writeAll(line);
    } catch (SyscallException e) {
      // Then the exit code has to do.
      assert e.errno() != null;
    }
    Processes.exitNow(1);
  }

  private static PrintStream stream(Fd descriptor, boolean autoFlush) {
    return new PrintStream(
        new BufferedOutputStream(new StandardOutput(descriptor), BUFFER),
        autoFlush,
        StandardCharsets.UTF_8);
  }
}
