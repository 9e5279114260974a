package io.berth.shim.stdio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.base.error.BerthException;
import io.berth.base.layout.Stdio;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class StreamUrisTest {
  private static List<Stream> streams(String in, String out, String err, boolean terminal) {
    return StreamUris.of(new Stdio(in, out, err, terminal));
  }

  @Test
  void emptyIsNothing() {
    assertEquals(
        List.of(new Stream.None(), new Stream.None(), new Stream.None()),
        streams("", "", "", false));
  }

  @Test
  void pathsAndFifoUrisArePipes() {
    assertEquals(
        List.of(new Stream.Fifo("/a?b"), new Stream.Fifo("/o"), new Stream.None()),
        streams("/a?b", "fifo:///o", "", false));
  }

  @Test
  void stdoutDecidesForFilesAndPrograms() {
    assertEquals(
        List.of(new Stream.None(), new Stream.AppendFile("/l"), new Stream.AppendFile("/l")),
        streams("", "file:///l", "/elsewhere", false));
    List<String> words = List.of("k", "v v", "flag");
    assertEquals(
        List.of(
            new Stream.None(),
            new Stream.LogProgram("/bin/log", words, 1),
            new Stream.LogProgram("/bin/log", words, 2)),
        streams("", "binary:///bin/log?k=v%20v&flag", "", false));
  }

  @Test
  void aTerminalHasNoStderr() {
    assertEquals(
        List.of(new Stream.Attachable(), new Stream.LogFile("/l", 5, 7)),
        streams("berth-attach://", "berth-log:///l?max_size=5&max_files=7", "/e", true));
  }

  @Test
  void aLogHasBoundsIfNoneAreGiven() {
    assertEquals(
        new Stream.LogFile("/l", 10 << 20, 3), streams("", "berth-log:///l", "", true).get(1));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"relative", "http://x/y", "file://relative", "berth-log:///l?max_size=many"})
  void refuses(String stdout) {
    assertThrows(BerthException.InvalidArgument.class, () -> streams("", stdout, "", false));
  }
}
