package io.berth.base.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Arguments of a service, and how much it says. Rows DN-06, RK-46. */
final class ProgramTest {
  @TempDir Path folder;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  @AfterEach
  void logAsBefore() {
    Log.configure("test", "info");
  }

  private int run(String... arguments) {
    return Program.run(
        "containerd",
        arguments,
        new PrintStream(out, /* autoFlush= */ true, StandardCharsets.UTF_8),
        new PrintStream(err, /* autoFlush= */ true, StandardCharsets.UTF_8),
        _ -> {
          throw new AssertionError("nothing is to be started");
        });
  }

  @ParameterizedTest
  @ValueSource(strings = {"--bogus", "extra", "-d", "--config", "--log-level"})
  void anUnknownArgumentIsOneLineAnd2(String argument) {
    assertEquals(2, run(argument));
    String text = err.toString(StandardCharsets.UTF_8);
    assertEquals(1, text.lines().count(), text);
    assertTrue(text.startsWith("berth-containerd: ") && text.contains(argument), text);
    assertEquals("", out.toString(StandardCharsets.UTF_8));
  }

  @Test
  void theLevelOfTheLineGoesBeforeTheConfigurations() throws Exception {
    Path config = Files.writeString(folder.resolve("c.toml"), "log_level = \"error\"\n");
    assertEquals(0, run("--config", config.toString(), "--check-config"));
    assertEquals(Level.SEVERE, Logger.getLogger("").getLevel());
    assertEquals(0, run("--log-level", "debug", "--config", config.toString(), "--check-config"));
    assertEquals(Level.FINE, Logger.getLogger("").getLevel());
    assertEquals(2, run("--log-level", "loud", "--config", config.toString(), "--check-config"));
    assertTrue(err.toString(StandardCharsets.UTF_8).contains("`loud`"));
  }

  @Test
  void ourVariableGoesBeforeTheUsualOne() {
    assertEquals(Optional.empty(), Log.levelOf(Map.of("LOG_LEVEL", "")));
    assertEquals(Optional.of("debug"), Log.levelOf(Map.of("LOG_LEVEL", "debug")));
    assertEquals(
        Optional.of("error"),
        Log.levelOf(Map.of("LOG_LEVEL", "debug", "BERTH_LOG_LEVEL", "error")));
  }

  @ParameterizedTest
  @CsvSource({"error,SEVERE", "WARN,WARNING", "warning,WARNING", "info,INFO", "debug,FINE"})
  void levels(String word, String level) {
    Log.configure("test", word);
    assertEquals(level, Logger.getLogger("").getLevel().getName());
    assertThrows(BerthException.InvalidArgument.class, () -> Log.configure("test", "loud"));
    assertEquals(level, Logger.getLogger("").getLevel().getName());
  }
}
