package io.berth.base.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Optional;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Arguments of a service, and how much it says. */
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

  /** A start that ends where the service itself would begin; its folders are prepared by then. */
  private int start(Path root, Path state) throws Exception {
    Path config =
        Files.writeString(
            folder.resolve("c.toml"), "root = \"%s\"\nstate = \"%s\"\n".formatted(root, state));
    return Program.run(
        "containerd",
        new String[] {"--config", config.toString()},
        new PrintStream(out, /* autoFlush= */ true, StandardCharsets.UTF_8),
        new PrintStream(err, /* autoFlush= */ true, StandardCharsets.UTF_8),
        _ -> {
          throw new BerthException.Unavailable("reached");
        });
  }

  private static Path folderOf(Path path, String mode) throws Exception {
    Files.createDirectories(path);
    return Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
  }

  private static String mode(Path path) throws Exception {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  private String said() {
    return err.toString(StandardCharsets.UTF_8);
  }

  // case S6: modes were set only where a folder was made.
  @Test
  void foldersThatAreThereAreNarrowedAtEveryStart() throws Exception {
    Path root = folderOf(folder.resolve("lib"), "rwxr-xr-x");
    Path state = folderOf(folder.resolve("run"), "rwxrwxrwx");
    start(root, state);
    assertTrue(said().contains("reached"), said());
    assertEquals("rwx--x---", mode(root));
    assertEquals("rwx--x--x", mode(state));
    // A later start finds what the service has put there, and somebody's chmod.
    Files.createFile(root.resolve("image.db"));
    folderOf(root, "rwxr-xr-x");
    folderOf(state, "rwxr-xr-x");
    start(root, state);
    assertEquals("rwx--x---", mode(root));
    assertEquals("rwx--x--x", mode(state));
  }

  // case S6
  @Test
  void whatIsNarrowerStays() throws Exception {
    Path root = folderOf(folder.resolve("lib"), "rwx------");
    Path state = folderOf(folder.resolve("run"), "rwx------");
    start(root, state);
    assertTrue(said().contains("reached"), said());
    assertEquals("rwx------", mode(root));
    assertEquals("rwx------", mode(state));
  }

  // case S6: `root = "/var/lib"` must not take /var/lib away from everybody else.
  @Test
  void aFolderWithOthersFilesIsNotNarrowedButRefused() throws Exception {
    Path root = folderOf(folder.resolve("shared"), "rwxr-xr-x");
    Files.createFile(root.resolve("somebody's"));
    assertEquals(1, start(root, folder.resolve("run")));
    assertEquals("rwxr-xr-x", mode(root));
    assertEquals(1, said().lines().count(), said());
    assertTrue(said().contains("chmod 0710 " + root), said());
    folderOf(root, "rwx--x---");
    err.reset();
    start(root, folder.resolve("run"));
    assertTrue(said().contains("reached"), said());
  }

  // case S6
  @Test
  @Tag("root")
  void anotherUsersFolderIsRefused() throws Exception {
    Path root = folderOf(folder.resolve("lib"), "rwx------");
    Files.setAttribute(root, "unix:uid", 65534);
    assertEquals(1, start(root, folder.resolve("run")));
    assertEquals(1, said().lines().count(), said());
    assertTrue(said().contains("user 65534") && said().contains("chown"), said());
  }

  // case S6: a link decides where the set-uid files lie, so whose it is counts.
  @Test
  @Tag("root")
  void aLinkIsFollowedOnlyIfItIsOurs() throws Exception {
    Path real = folderOf(folder.resolve("real"), "rwxr-xr-x");
    Path link = Files.createSymbolicLink(folder.resolve("lib"), real);
    start(link, folder.resolve("run"));
    assertTrue(said().contains("reached"), said());
    assertEquals("rwx--x---", mode(real));
    Files.setAttribute(link, "unix:uid", 65534, LinkOption.NOFOLLOW_LINKS);
    err.reset();
    assertEquals(1, start(link, folder.resolve("run")));
    assertEquals(1, said().lines().count(), said());
    assertTrue(said().contains("symbolic link") && said().contains("user 65534"), said());
  }

  // case S6
  @Test
  void aFileIsNoFolder() throws Exception {
    Path root = Files.createFile(folder.resolve("lib"));
    assertEquals(1, start(root, folder.resolve("run")));
    assertEquals(1, said().lines().count(), said());
    assertTrue(said().contains("`" + root + "`: is not a folder"), said());
  }

  // case S6: the group of a set-gid parent, as /var/local has it, is not the engine's.
  @Test
  @Tag("root")
  void anotherGroupGetsNoMoreThanAnybody() throws Exception {
    Path root = folderOf(folder.resolve("lib"), "rwx--x---");
    Path state = folderOf(folder.resolve("run"), "rwxr-x--x");
    Files.setAttribute(root, "unix:gid", 50);
    Files.setAttribute(state, "unix:gid", 50);
    start(root, state);
    assertEquals("rwx------", mode(root));
    assertEquals("rwx--x--x", mode(state));
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
