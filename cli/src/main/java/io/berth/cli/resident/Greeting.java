package io.berth.cli.resident;

import io.berth.base.text.RawText;
import io.berth.linux.Fd;
import io.berth.linux.Sockets;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What a client says and brings at first: a line, and everything that a process of its own would
 * have had. Closing it closes its descriptors.
 *
 * @param ignored signals that the client ignores, bit 0 is signal 1
 * @param folderFd the folder in which the line was typed, and the path that it had then
 */
record Greeting(
    Build build,
    long ignored,
    int umask,
    List<String> arguments,
    Map<String, String> environment,
    Path folder,
    Fd folderFd,
    List<Fd> streams)
    implements AutoCloseable {

  /**
   * Reads the first message. Its descriptors are the greeting's, or closed.
   *
   * @throws IOException for what is no greeting
   */
  static Greeting of(byte[] message, Sockets.Received received) throws IOException {
    List<Fd> fds = received.descriptors();
    try {
      if (message.length != LineProtocol.HELLO_BYTES
          || received.truncated()
          || fds.size() != LineProtocol.LINE_DESCRIPTORS) {
        throw new IOException("greeting of " + message.length + " bytes, " + fds.size() + " files");
      }
      ByteBuffer in = ByteBuffer.wrap(message).order(ByteOrder.nativeOrder());
      int op = in.getInt();
      int version = in.getInt();
      if (op != LineProtocol.LINE_HELLO || version != LineProtocol.LINE_VERSION) {
        throw new IOException("greeting " + op + " of version " + version);
      }
      Build build = new Build(in.getLong(), in.getLong(), in.getLong());
      long ignored = in.getLong();
      int umask = in.getInt() & 0777;
      Text text = Text.read(fds.getFirst(), in.getInt());
      Greeting greeting =
          new Greeting(
              build,
              ignored,
              umask,
              text.arguments,
              text.environment,
              text.folder,
              named(fds.get(1), "working folder"),
              List.of(
                  named(fds.get(2), "standard input"),
                  named(fds.get(3), "standard output"),
                  named(fds.get(4), "standard error")));
      fds.getFirst().close();
      return greeting;
    } catch (IOException | RuntimeException e) {
      received.close();
      throw e;
    }
  }

  /** The same descriptor by the name that a message of the line's gives it. */
  private static Fd named(Fd fd, String name) {
    return Fd.adopt(fd.release(), name);
  }

  /** The strings of a line. */
  private record Text(Path folder, List<String> arguments, Map<String, String> environment) {
    static Text read(Fd file, int size) throws IOException {
      // A pipe would be waited for.
      if (!file.status().isRegular() || size < 8 || size > LineProtocol.LINE_MAX_TEXT) {
        throw new IOException("greeting with a text of " + size + " bytes");
      }
      byte[] bytes = file.readAll(LineProtocol.LINE_MAX_TEXT);
      ByteBuffer counts = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
      if (bytes.length != size) {
        throw new IOException("greeting with a text that is not as long as it says");
      }
      int arguments = counts.getInt();
      int variables = counts.getInt();
      List<String> all = strings(bytes);
      if (arguments < 0 || variables < 0 || all.size() != 1L + arguments + variables) {
        throw new IOException("greeting with a text that is not what it says");
      }
      Map<String, String> environment = new HashMap<>();
      for (String entry : all.subList(1 + arguments, all.size())) {
        int equals = entry.indexOf('=', 1);
        if (equals > 0) {
          environment.putIfAbsent(entry.substring(0, equals), entry.substring(equals + 1));
        }
      }
      Path folder = Path.of(all.getFirst());
      if (!folder.isAbsolute()) {
        throw new IOException("greeting from a folder without a path");
      }
      return new Text(folder, List.copyOf(all.subList(1, 1 + arguments)), environment);
    }

    private static List<String> strings(byte[] bytes) {
      List<String> strings = new ArrayList<>();
      for (int start = 8, end; start < bytes.length; start = end + 1) {
        end = start;
        while (end < bytes.length && bytes[end] != 0) {
          end++;
        }
        strings.add(RawText.decode(Arrays.copyOfRange(bytes, start, end)));
      }
      return strings;
    }
  }

  @Override
  public void close() {
    folderFd.close();
    streams.forEach(Fd::close);
  }
}
