package io.berth.cli.parse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.api.berth.container.v1.Mount;
import io.berth.base.error.BerthException;
import io.berth.base.rpc.Timestamps;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Sizes, times, variables and mounts. */
final class ValuesTest {
  private static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");

  @ParameterizedTest
  @CsvSource({
    "33554432, 33554432",
    "64m, 67108864",
    "64M, 67108864",
    "64mb, 67108864",
    "64MiB, 67108864",
    "1.5g, 1610612736",
    "1k, 1024",
    "0, 0",
    "5b, 5"
  })
  void sizes(String text, long bytes) {
    assertEquals(bytes, Sizes.bytes("-m", text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "m", "x", "-1m", "1x", "99999999999999g", "1 2"})
  void noSizes(String text) {
    assertThrows(BerthException.InvalidArgument.class, () -> Sizes.bytes("-m", text));
  }

  @ParameterizedTest
  @CsvSource({
    "30s, PT30S",
    "1m30s, PT1M30S",
    "1.5s, PT1.5S",
    "500ms, PT0.5S",
    "1h, PT1H",
    "250us, PT0.00025S",
    "0, PT0S",
    "0s, PT0S"
  })
  void durations(String text, Duration length) {
    assertEquals(length, Durations.parse("--health-interval", text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "30", "-1s", "1d", "s", "1s ", "1s1", "999999999h"})
  void noDurations(String text) {
    assertThrows(
        BerthException.InvalidArgument.class, () -> Durations.parse("--health-interval", text));
  }

  @ParameterizedTest
  @CsvSource({
    "'', 10 11",
    "'ctrl-p,ctrl-q', 10 11",
    "'ctrl-A,d', 01 64",
    "'ctrl-@,ctrl-[,ctrl-_', 00 1b 1f",
    "x, 78"
  })
  void detachKeys(String text, String bytes) {
    assertEquals(bytes, HexFormat.ofDelimiter(" ").formatHex(DetachKeys.of(text).bytes()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {",", "ctrl-", "ctrl-1", "ab", " ", "é", "a,", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q"})
  void noDetachKeys(String text) {
    assertThrows(BerthException.InvalidArgument.class, () -> DetachKeys.of(text));
  }

  @Test
  void cpus() {
    assertEquals(1_500_000_000L, Sizes.nanoCpus("1.5"));
    for (String text : List.of("0", "-1", "a", "0.0000000001")) {
      assertThrows(BerthException.InvalidArgument.class, () -> Sizes.nanoCpus(text), text);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "2026-01-31T12:00:00Z, 2026-01-31T12:00:00Z",
    "2026-01-31T12:00:00+01:00, 2026-01-31T11:00:00Z",
    "2026-01-31T12:00:00, 2026-01-31T12:00:00Z",
    "2026-01-31, 2026-01-31T00:00:00Z",
    "10m, 2026-03-01T11:50:00Z",
    "1h30m, 2026-03-01T10:30:00Z",
    "0.5, 1970-01-01T00:00:00.500Z"
  })
  void moments(String text, String expected) {
    assertEquals(Instant.parse(expected), Timestamps.instant(Moments.parse("--since", text, NOW)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "yesterday", "10x", "2026-13-01", "T", "m"})
  void noMoments(String text) {
    assertThrows(BerthException.InvalidArgument.class, () -> Moments.parse("--since", text, NOW));
  }

  /** A name without a value takes the caller's, or is left out. */
  @Test
  void environment(@TempDir Path folder) throws IOException {
    Path file = Files.writeString(folder.resolve("env"), "# no\n\nF=1\nA\nGONE\n");
    assertEquals(
        List.of("F=1", "A=own", "B=x=y", "A=own"),
        Variables.environment(List.of("B=x=y", "A", "MISSING"), List.of(file), Map.of("A", "own")));
    assertThrows(
        BerthException.InvalidArgument.class,
        () -> Variables.environment(List.of("=x"), List.of(), Map.of()));
    assertThrows(
        BerthException.InvalidArgument.class,
        () -> Variables.environment(List.of(), List.of(folder.resolve("nope")), Map.of()));
  }

  @ParameterizedTest
  @CsvSource({
    "/a:/b, bind|/a|/b|false",
    "/a:/b:ro, bind|/a|/b|true",
    "data:/b, volume|data|/b|false",
    "/only, volume||/only|false",
    "./x:/b, bind|/work/x|/b|false",
    "../x:/b, bind|/x|/b|false"
  })
  void volumes(String text, String expected) {
    Mount mount = MountSyntax.volume(text, Path.of("/work"));
    assertEquals(
        expected,
        mount.getType()
            + "|"
            + mount.getSource()
            + "|"
            + mount.getTarget()
            + "|"
            + mount.getReadOnly());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a:b", "/a:b", "/a:/", "/a:/b:xx", "/a:/b:ro:x", "a/b:/c", ":/b"})
  void noVolumes(String text) {
    assertThrows(
        BerthException.InvalidArgument.class, () -> MountSyntax.volume(text, Path.of("/work")));
  }

  /** A bind of {@code --mount} asks that nothing be made where its source is missing. */
  @Test
  void typedMounts() {
    Mount mount = MountSyntax.mount("type=bind,src=/a,dst=/b,readonly,bind-propagation=rslave");
    assertEquals("bind", mount.getType());
    assertEquals(List.of("rslave", "nocreate"), mount.getOptionsList());
    assertEquals(true, mount.getReadOnly());
    assertEquals(
        List.of("size=65536"),
        MountSyntax.mount("type=tmpfs,dst=/t,tmpfs-size=64k").getOptionsList());
    for (String text :
        List.of("type=bind,dst=/b", "type=x,dst=/b", "src=a", "type=tmpfs,src=/a,dst=/b", "a")) {
      assertThrows(BerthException.InvalidArgument.class, () -> MountSyntax.mount(text), text);
    }
  }

  @Test
  void memoryFileSystems() {
    Mount mount = MountSyntax.tmpfs("/run:size=64k,mode=700,ro");
    assertEquals(List.of("size=64k", "mode=700"), mount.getOptionsList());
    assertEquals(true, mount.getReadOnly());
  }
}
