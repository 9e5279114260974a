package io.berth.base.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.base.error.BerthException;
import io.berth.testing.Property;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code -e}, {@code --env-file}, {@code -l} and their kin mean. */
final class VariablesTest {
  @TempDir Path folder = Path.of("");

  private List<String> file(String text) throws IOException {
    Path file = Files.write(folder.resolve("env"), text.getBytes(StandardCharsets.UTF_8));
    return Variables.environment(List.of(), List.of(file), Map.of("A", "own", "E", ""));
  }

  private String refused(String text) {
    return assertThrows(BerthException.InvalidArgument.class, () -> file(text))
        .getMessage()
        .replace(folder.toString(), "DIR");
  }

  /** Case L4: what is absent, empty or unset in the caller are three things. */
  @Test
  void aNameAloneTakesTheCallersValueOrTheVariableAway() {
    assertEquals(
        List.of("B=x=y", "A=own", "E=", "HOSTNAME", "C="),
        Variables.environment(
            List.of("B=x=y", "A", "E", "HOSTNAME", "C="), List.of(), Map.of("A", "own", "E", "")));
    for (String word : List.of("", "=x", "=")) {
      assertThrows(
          BerthException.InvalidArgument.class,
          () -> Variables.environment(List.of(word), List.of(), Map.of()));
    }
  }

  /** Case L21. */
  @Test
  void aValueThatIsNoTextIsRefusedByName() {
    String raw = RawText.decode(new byte[] {'x', (byte) 0xff});
    BerthException e =
        assertThrows(
            BerthException.InvalidArgument.class,
            () -> Variables.environment(List.of("A"), List.of(), Map.of("A", raw)));
    assertEquals("-e `A`: the value `x\\xff` is not UTF-8", e.getMessage());
  }

  @Test
  void filesHaveALineEach() throws IOException {
    assertEquals(
        List.of("F=1 ", "A=own", "E=", "D="), file("# no\n\n  F=1 \r\nA\nE  \nGONE\n\t#no\nD="));
  }

  /** Case L5. */
  @Test
  void aByteOrderMarkIsNoPartOfAName() throws IOException {
    assertEquals(List.of("A=1", "B=\ufeff"), file("\ufeffA=1\nB=\ufeff\n"));
  }

  /** Case L5, and case L21 for bytes that are no text. */
  @Test
  void wrongLinesAreToldWithFileAndNumber() throws IOException {
    assertEquals(
        "--env-file `DIR/env` line 2 `C D`: a variable's name has no blanks",
        refused("A=1\nC D=1\n"));
    assertEquals(
        "--env-file `DIR/env` line 1 `C D`: a variable's name has no blanks", refused("C D"));
    assertEquals("--env-file `DIR/env` line 1 `=1`: the variable has no name", refused("=1"));
    Path raw = Files.write(folder.resolve("raw"), new byte[] {'A', '\n', 'B', '=', (byte) 0xe4});
    BerthException e =
        assertThrows(
            BerthException.InvalidArgument.class,
            () -> Variables.environment(List.of(), List.of(raw), Map.of()));
    assertEquals("--env-file `" + raw + "` line 2 `B=?`: is not UTF-8", e.getMessage());
    assertThrows(
        BerthException.InvalidArgument.class,
        () -> Variables.labels(List.of(), List.of(folder.resolve("nope"))));
  }

  @Test
  void pairs() {
    assertEquals(
        Map.of("a", "2", "b", "", "c", "x=y"),
        Variables.pairs("-l", List.of("a=1", "b", "c=x=y", "a=2")));
    assertThrows(BerthException.InvalidArgument.class, () -> Variables.pairs("-l", List.of("=x")));
  }

  @Test
  void filesGiveWhatTheyWereMadeOf() {
    Property.holds(
        200,
        draw -> {
          String value =
              new String(
                      draw.junk("a", "=", " ", "#", "ü", "\"").getBytes(StandardCharsets.UTF_8),
                      StandardCharsets.UTF_8)
                  .replaceAll("[\\n\\r]", "");
          String entry = draw.oneOf("A", "_b", "C.d-e") + "=" + value;
          String text =
              draw.oneOf("", "\ufeff", "#x\n", "\n\n") + draw.oneOf("", " ", "\t") + entry;
          try {
            assertEquals(List.of(entry), file(text + draw.oneOf("", "\n", "\r\n")));
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  @Test
  void junkIsNoFile() {
    Property.holds(
        300,
        draw -> {
          try {
            var _ = file(draw.junk("A", "=", "\n", "\r", " ", "#", "\ufeff"));
          } catch (BerthException.InvalidArgument e) {
            assertEquals(-1, e.getMessage().indexOf('\n'));
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }
}
