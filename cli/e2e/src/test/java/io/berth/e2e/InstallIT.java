package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code dist/install} as the first command on a machine that has little more than a shell: what is
 * missing is named in a line before anything is built. It runs in a mount namespace in which the
 * usual folders of JDKs and of what dist/packages writes are empty, and builds nothing, because a
 * program of the test stands in the build's place.
 */
@Tag("root")
final class InstallIT { // case Q2
  private static final List<String> PRESENT =
      List.of(
          "bash", "cat", "chmod", "dirname", "grep", "id", "mkdir", "mktemp", "mount", "rm", "sed",
          "tail");

  @TempDir Path folder;

  @BeforeEach
  void machine() throws Exception {
    for (String each : List.of("bin", "dist", "jdk/bin", "home")) {
      Files.createDirectories(folder.resolve(each));
    }
    for (String script : List.of("install", "find-jdk", "packages")) {
      // Tests run in the folder of their module.
      Files.copy(Path.of("../../dist", script).toAbsolutePath(), folder.resolve("dist/" + script));
    }
    program("dist/build", ": >\"$0.ran\"; exit 1");
    for (String program : PRESENT) {
      program("bin/" + program, "exec " + found(program) + " \"$@\"");
    }
  }

  private static Path found(String program) {
    return Path.of(Command.run("sh", "-c", "command -v " + program).exits(0).out().strip());
  }

  private void program(String path, String text) throws Exception {
    Path file = Files.writeString(folder.resolve(path), "#!/bin/sh\n" + text + "\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwx------"));
  }

  private void jdk(int version) throws Exception {
    program("jdk/bin/javac", "exit 1");
    Files.writeString(folder.resolve("jdk/release"), "JAVA_VERSION=\"" + version + ".0.1\"\n");
  }

  private Command install() {
    String lines =
        """
        for folder in /usr/lib/jvm /opt /usr/sbin; do
          [ ! -d $folder ] || mount -t tmpfs tmpfs $folder
        done
        %s/dist/install
        """
            .formatted(folder);
    return Command.run(
        List.of(
            "unshare",
            "--mount",
            "--propagation",
            "private",
            found("bash").toString(),
            "-c",
            lines),
        new byte[0],
        Map.of(
            "PATH", folder + "/bin",
            "HOME", folder + "/home",
            "JAVA_HOME", folder + "/jdk"));
  }

  @Test
  void withoutAJdk_saysWhereToGetOne() throws Exception {
    String line = "no JDK 25 or newer found: unpack one under /usr/lib/jvm (Temurin: ";
    Command none = install().exits(1);
    assertEquals(1, none.err().lines().count(), none.err());
    assertEquals(line, none.err().substring(0, line.length()));
    jdk(24);
    assertEquals(none.err(), install().exits(1).err());
    assertNothingBuilt();
  }

  @Test
  void withoutPrograms_namesTheirPackages() throws Exception {
    jdk(25);
    program("bin/dpkg-query", "[ $4 = gcc ] || [ $4 = maven ] || echo install ok installed");
    assertEquals("missing, and no apt-get to install them: gcc maven\n", install().exits(1).err());
    assertNothingBuilt();
  }

  @Test
  void withoutANetwork_namesWhatItCouldNotInstall() throws Exception {
    jdk(25);
    program("bin/dpkg-query", "[ $4 = unzip ] || echo install ok installed");
    program("bin/mvn", "exit 1");
    program("bin/apt-get", "echo E: no network; exit 100");
    assertEquals(
        """
        installing unzip
        E: no network
        apt-get could not install what is missing; do it another way and run this again: unzip
        """,
        install().exits(1).err());
    assertNothingBuilt();
  }

  private void assertNothingBuilt() {
    assertFalse(Files.exists(folder.resolve("dist/build.ran")), "the build began");
  }
}
