package io.berth.image.build;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.JsonNode;
import io.berth.base.error.BerthException;
import io.berth.base.json.Json;
import io.berth.oci.image.Platform;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Instructions of image files, as {@code commit -c} and {@code import -c} give them. */
final class ConfigDraftTest {
  private static JsonNode changed(String... instructions) {
    ConfigDraft draft = ConfigDraft.of(new Platform("linux", "amd64", ""));
    for (String instruction : instructions) {
      draft.change(instruction);
    }
    return Json.tree(draft.bytes(), "the draft").path("config");
  }

  // case L15
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "HEALTHCHECK NONE|{\"Test\":[\"NONE\"]}",
        "healthcheck cmd true|{\"Test\":[\"CMD-SHELL\",\"true\"]}",
        "HEALTHCHECK CMD [\"a\", \"b c\"]|{\"Test\":[\"CMD\",\"a\",\"b c\"]}",
        "HEALTHCHECK --interval=1m30s --retries=3 CMD x  y"
            + "|{\"Interval\":90000000000,\"Retries\":3,\"Test\":[\"CMD-SHELL\",\"x  y\"]}",
        "HEALTHCHECK --timeout=5s --start-period=0s CMD t"
            + "|{\"Timeout\":5000000000,\"StartPeriod\":0,\"Test\":[\"CMD-SHELL\",\"t\"]}",
      })
  void healthChecks(String instruction, String expected) {
    assertEquals(expected, changed(instruction).path("Healthcheck").toString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "HEALTHCHECK",
        "HEALTHCHECK CMD",
        "HEALTHCHECK CMD []",
        "HEALTHCHECK NONE now",
        "HEALTHCHECK --interval=1s NONE",
        "HEALTHCHECK --interval=1 CMD x",
        "HEALTHCHECK --interval=1us CMD x",
        "HEALTHCHECK --interval CMD x",
        "HEALTHCHECK --retries=-1 CMD x",
        "HEALTHCHECK --often CMD x",
        "HEALTHCHECK true",
        "SHELL /bin/bash",
        "FROM scratch",
        "RUN true",
      })
  void whatIsNoInstruction(String instruction) {
    assertThrows(BerthException.InvalidArgument.class, () -> changed(instruction));
  }

  @Test
  void commandsInTextGoToTheShellOfTheImage() {
    JsonNode config = changed("CMD a", "SHELL [\"/bin/ash\", \"-ec\"]", "ENTRYPOINT b");
    assertEquals("[\"/bin/ash\",\"-ec\",\"b\"]", config.path("Entrypoint").toString());
    assertEquals("[\"/bin/sh\",\"-c\",\"a\"]", changed("CMD a").path("Cmd").toString());
  }
}
