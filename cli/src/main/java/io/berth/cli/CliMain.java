package io.berth.cli;

import io.berth.cli.session.Sockets;
import io.berth.cli.session.Streams;
import io.berth.linux.Processes;
import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** The one-shot program. */
public final class CliMain {
  private static final int BUFFER = 64 * 1024;

  private CliMain() {}

  /** Ends the process with the line's exit code. */
  public static void main(String[] arguments) {
    // Text is UTF-8 whatever the locale says: names and logs are.
    PrintStream out = stream(FileDescriptor.out, /* autoFlush= */ false);
    PrintStream err = stream(FileDescriptor.err, /* autoFlush= */ true);
    Streams streams = new Streams(System.in, out, err, System.getenv(), /* descriptors= */ true);
    int code = Cli.run(List.of(arguments), streams, Sockets::new);
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

  private static PrintStream stream(FileDescriptor descriptor, boolean autoFlush) {
    return new PrintStream(
        new BufferedOutputStream(new FileOutputStream(descriptor), BUFFER),
        autoFlush,
        StandardCharsets.UTF_8);
  }
}
