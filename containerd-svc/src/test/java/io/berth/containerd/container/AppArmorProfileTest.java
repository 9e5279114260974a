package io.berth.containerd.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.containerd.spec.AppArmorFacts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Case V9: the default profile is loaded where the kernel and the host have what it takes. */
final class AppArmorProfileTest {
  @TempDir Path folder;

  private Path switched = Path.of("none");

  @BeforeEach
  void on() throws IOException {
    switched = Files.writeString(folder.resolve("enabled"), "Y\n");
  }

  private Path parser(String script) throws IOException {
    Path program = Files.writeString(folder.resolve("parser"), "#!/bin/sh\n" + script + "\n");
    return Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
  }

  @Test
  void itIsGivenToTheParser() throws IOException {
    Path loaded = folder.resolve("loaded");
    Path parser = parser("echo \"$@\" >" + loaded + "; cat >>" + loaded);
    assertEquals(
        new AppArmorFacts(true, "berth-default", "berth-default"),
        AppArmorProfile.load(switched, List.of(folder.resolve("absent"), parser)));
    List<String> lines = Files.readAllLines(loaded);
    assertEquals("--replace --skip-cache", lines.getFirst());
    assertTrue(lines.stream().anyMatch(line -> line.startsWith("profile berth-default ")));
  }

  @Test
  void aKernelWithoutItHasNone() throws IOException {
    assertEquals(AppArmorFacts.OFF, AppArmorProfile.load(folder.resolve("absent"), List.of()));
    Files.writeString(switched, "N\n");
    assertEquals(AppArmorFacts.OFF, AppArmorProfile.load(switched, List.of()));
  }

  @Test
  void whyThereIsNoneIsTold() throws IOException {
    assertEquals(
        new AppArmorFacts(true, "", "no default profile: apparmor_parser is not installed"),
        AppArmorProfile.load(switched, List.of(folder.resolve("absent"))));
    Path broken = parser("echo 'no such rule' >&2; exit 1");
    assertEquals(
        "no default profile: " + broken + ": no such rule",
        AppArmorProfile.load(switched, List.of(broken)).text());
  }
}
