package io.berth.cli;

import io.berth.base.error.BerthException;
import io.berth.cli.session.Caller;
import io.berth.cli.session.Connector;
import io.berth.cli.session.Signals;
import io.berth.cli.session.WorkingFolder;
import io.grpc.Channel;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Carries lines out for a caller without descriptors and keeps what they print. The services are
 * reached on channels that the test gives.
 */
final class Lines {
  private final Map<String, Channel> channels;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private byte[] input = new byte[0];
  private WorkingFolder folder = WorkingFolder.ofThread(Path.of("").toAbsolutePath());

  Lines(Map<String, Channel> channels) {
    this.channels = channels;
  }

  /** What the next lines read from standard input. */
  void input(byte[] bytes) {
    input = bytes;
  }

  /** What the next lines read from standard input. */
  void input(String text) {
    input(text.getBytes(StandardCharsets.UTF_8));
  }

  /** Where relative paths of the next lines begin. */
  void folder(Path where) {
    folder = WorkingFolder.at(where);
  }

  /** Carries a line out; answers its exit code. */
  int berth(String... arguments) {
    Caller caller =
        new Caller(
            new ByteArrayInputStream(input),
            new PrintStream(out, /* autoFlush= */ true, StandardCharsets.UTF_8),
            new PrintStream(err, /* autoFlush= */ true, StandardCharsets.UTF_8),
            Map.of("A", "own"),
            folder,
            Signals.none(),
            /* descriptors= */ null);
    return Cli.run(List.of(arguments), caller, _ -> new GivenChannels());
  }

  /** All of standard output since the last {@link #reset}. */
  String out() {
    return out.toString(StandardCharsets.UTF_8);
  }

  /** All of standard error since the last {@link #reset}. */
  String err() {
    return err.toString(StandardCharsets.UTF_8);
  }

  /** Forgets what was printed. */
  void reset() {
    out.reset();
    err.reset();
  }

  private final class GivenChannels implements Connector {
    @Override
    public Channel to(String service) {
      Channel channel = channels.get(service);
      if (channel == null) {
        throw new BerthException.Unavailable("connect to `" + service + "`: none");
      }
      return channel;
    }

    @Override
    public void close() {}
  }
}
