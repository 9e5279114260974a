package io.berth.cli.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a caller finds under names that are every process's own. */
final class CallersFilesTest {
  private static final CallersFiles CALLER = new CallersFiles(123456);

  @TempDir Path folder;

  private Path link(String name, String target) throws Exception {
    return Files.createSymbolicLink(folder.resolve(name), Path.of(target));
  }

  @Test
  void theyAreTheCallers() {
    Map.of(
            "/dev/stdin", "/proc/123456/fd/0",
            "/dev/fd/63", "/proc/123456/fd/63",
            "/proc/self/fd/0", "/proc/123456/fd/0",
            "/proc/thread-self/environ", "/proc/123456/environ",
            "/dev/../proc/./self", "/proc/123456")
        .forEach((typed, opened) -> assertEquals(Path.of(opened), CALLER.instead(Path.of(typed))));
  }

  @Test
  void linksOfOnesOwnLeadThere() throws Exception {
    assertEquals(Path.of("/proc/123456/fd/0"), CALLER.instead(link("input", "/dev/stdin")));
    assertEquals(Path.of("/proc/123456/fd/0"), CALLER.instead(link("again", "input")));
    assertEquals(Path.of("/proc/123456/fd/7"), CALLER.instead(link("all", "/dev/fd").resolve("7")));
    String up = "../".repeat(folder.getNameCount());
    assertEquals(
        Path.of("/proc/123456/fd/0"), CALLER.instead(link("relative", up + "proc/self/fd/0")));
  }

  @Test
  void otherFilesAreEverybodys() throws Exception {
    Path file = Files.createFile(folder.resolve("self"));
    assertNull(CALLER.instead(file));
    assertNull(CALLER.instead(link("file", "self")));
    assertNull(CALLER.instead(folder.resolve("none/of/these")));
    assertNull(CALLER.instead(link("round", "round")));
    assertNull(CALLER.instead(Path.of("/proc/1/self")));
  }
}
