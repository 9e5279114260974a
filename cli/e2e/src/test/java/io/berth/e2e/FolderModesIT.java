package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * What another user of the host reaches of an instance: nothing of its containers' files. The
 * instance begins in folders with mode 0755, as a person's mkdir or an older build left them.
 */
@Tag("root")
final class FolderModesIT {
  @RegisterExtension static final BerthInstance berth = new BerthInstance(BerthInstance.COLD);

  @BeforeAll
  static void image() throws Exception {
    Path archive = BusyboxImage.archive(berth.folder("image"));
    berth.berth("load", "-i", Command.arg(archive)).exits(0);
  }

  /** By a shell: setpriv(1) itself looks the program up with the rights it is about to lose. */
  private static Command asAnother(String... line) {
    List<String> all =
        new ArrayList<>(
            List.of("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"));
    all.addAll(List.of("sh", "-c", "exec \"$0\" \"$@\""));
    all.addAll(List.of(line));
    return Command.run(all.toArray(String[]::new));
  }

  private static String mode(Path path) throws Exception {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  // case S6, CVE-2021-41091
  @Test
  void aSetUidFileOfAContainerIsOutOfReach() throws Exception {
    berth
        .berth(
            "run",
            "--name",
            "holder",
            "busybox:test",
            "sh",
            "-c",
            "mkdir /su && cp /bin/busybox /su/ && chmod 4755 /su/busybox")
        .exits(0);
    berth
        .berth(
            "run",
            "--rm",
            "-v",
            "kept:/v",
            "busybox:test",
            "sh",
            "-c",
            "cp /bin/busybox /v/ && chmod 4755 /v/busybox")
        .exits(0);
    List<String> setUid =
        Command.run("find", berth.dir() + "/lib", "-name", "busybox", "-perm", "-4000")
            .exits(0)
            .out()
            .lines()
            .toList();
    assertEquals(2, setUid.size(), setUid.toString());
    for (int life = 0; life < 2; life++) {
      for (String file : setUid) {
        Command reached = asAnother(file, "id", "-u");
        assertNotEquals(0, reached.exit(), file + " ran as user " + reached.out());
      }
      // Somebody opens them again; the next start closes them.
      for (String folder : List.of("lib", "run", "lib/s", "lib/volumes", "lib/containers")) {
        Files.setPosixFilePermissions(
            berth.dir().resolve(folder), PosixFilePermissions.fromString("rwxr-xr-x"));
      }
      for (String service : BerthInstance.SERVICES) {
        berth.kill(service);
      }
      berth.startMissing();
    }
    assertEquals("rwx--x---", mode(berth.dir().resolve("lib")));
    assertEquals("rwx--x--x", mode(berth.state()));
    assertEquals("rwx--x--x", mode(berth.dir().resolve("lib/s")));
    assertEquals("rwx------", mode(berth.dir().resolve("lib/containers")));
    berth.berth("rm", "holder").exits(0);
    berth.berth("volume", "rm", "kept").exits(0);
  }

  // cases S6, S10: no lock, pid or log that others can read, and with it hold.
  @Test
  void nothingOfTheStateIsReadableByOthers() {
    berth.berth("run", "-d", "--name", "alive", "busybox:test", "sleep", "1000").exits(0);
    for (String service : BerthInstance.SERVICES) {
      Command locked = asAnother("cat", berth.state().resolve(service + ".lock").toString());
      assertNotEquals(0, locked.exit(), service);
    }
    assertEquals(
        "",
        Command.run(
                "find", berth.state().toString(), "-maxdepth", "1", "-type", "f", "-perm", "/0077")
            .exits(0)
            .out());
    Command listed =
        asAnother("find", berth.state().toString(), "-mindepth", "2", "-maxdepth", "2");
    assertEquals("", listed.out());
    berth.berth("rm", "-f", "alive").exits(0);
  }

  // case S6: what containers read of these folders is theirs all the same.
  @Test
  void anotherUserInsideReadsItsFiles() {
    berth
        .berth(
            "run",
            "--rm",
            "-u",
            "1234",
            "-v",
            "open:/v",
            "busybox:test",
            "sh",
            "-c",
            "cat /etc/hosts /etc/resolv.conf /etc/hostname >/dev/null && ls /v && id -u")
        .exits(0)
        .says("1234");
    berth.berth("volume", "rm", "open").exits(0);
  }
}
