package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.linux.RootedFiles;
import io.berth.linux.SyscallException;
import io.berth.testing.Eventually;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** {@code cp} in both directions. */
@Tag("root")
final class CopyIT {
  @RegisterExtension static final BerthInstance berth = new BerthInstance(BerthInstance.COLD);

  private Path here = Path.of("/");

  @BeforeAll
  static void load() throws Exception {
    berth.berth("load", "-i", BusyboxImage.archive(berth.folder("image")).toString()).exits(0);
  }

  @BeforeEach
  void make() throws Exception {
    here = berth.folder("here");
    Files.writeString(here.resolve("one"), "one\n");
    Files.createDirectories(here.resolve("tree/deep"));
    Files.writeString(here.resolve("tree/deep/two"), "two\n");
    Files.createSymbolicLink(here.resolve("tree/link"), Path.of("deep/two"));
    Path volume = berth.folder("volume");
    berth
        .berth(
            "create",
            "--name",
            "box",
            "--network",
            "none",
            "-v",
            volume + ":/vol",
            "busybox:test",
            "sh",
            "-c",
            "mkdir -p /made; echo inside > /made/file; ln -s /etc/passwd /made/way; sleep 1000")
        .exits(0);
  }

  @AfterEach
  void remove() throws Exception {
    berth.berth("rm", "-f", "box").exits(0);
    Leftovers.deleteTree(here);
    Leftovers.deleteTree(berth.folder("volume"));
  }

  private void start() throws Exception {
    berth.berth("start", "box").exits(0);
    Eventually.answers(
        "is made",
        () -> berth.berth("exec", "box", "cat", "/made/way"),
        answer -> answer.exit() == 0);
  }

  private String inside(String path) {
    return berth.berth("exec", "box", "cat", path).exits(0).out();
  }

  @Test
  void intoAStoppedContainer() throws Exception {
    berth.berth("cp", here.resolve("one").toString(), "box:/etc").exits(0);
    berth.berth("cp", here.resolve("one").toString(), "box:/etc/renamed").exits(0);
    berth.berth("cp", here.resolve("tree").toString(), "box:/fresh").exits(0);
    berth.berth("cp", here.resolve("tree") + "/.", "box:/home").exits(0);
    start();
    assertEquals("one\n", inside("/etc/one"));
    assertEquals("one\n", inside("/etc/renamed"));
    assertEquals("two\n", inside("/fresh/link"));
    assertEquals("two\n", inside("/home/deep/two"));
    assertEquals("0:0\n", berth.berth("exec", "box", "stat", "-c", "%u:%g", "/etc/one").out());
  }

  @Test
  void intoARunningContainerAlsoWhereSomethingIsMounted() throws Exception {
    start();
    berth.berth("cp", here.resolve("tree").toString(), "box:/made").exits(0);
    berth.berth("cp", here.resolve("one").toString(), "box:/vol/").exits(0);
    assertEquals("two\n", inside("/made/tree/deep/two"));
    assertEquals("one\n", Files.readString(berth.folder("volume").resolve("one")));
    // A link inside leads inside: the host's file is not written.
    String before = Files.readString(Path.of("/etc/passwd"));
    berth.berth("cp", here.resolve("one").toString(), "box:/made/way").exits(0);
    assertEquals(before, Files.readString(Path.of("/etc/passwd")));
  }

  @Test
  void outOfARunningAndAStoppedContainer() throws Exception {
    start();
    for (int round = 0; round < 2; round++) {
      Path out = Files.createDirectories(here.resolve("out" + round));
      berth.berth("cp", "box:/made/file", out.toString()).exits(0);
      berth.berth("cp", "box:/made", out.resolve("all").toString()).exits(0);
      berth
          .berth("cp", "box:made/.", Files.createDirectory(out.resolve("flat")).toString())
          .exits(0);
      assertEquals("inside\n", Files.readString(out.resolve("file")));
      assertEquals("inside\n", Files.readString(out.resolve("all/file")));
      assertEquals("inside\n", Files.readString(out.resolve("flat/file")));
      assertEquals("/etc/passwd", Files.readSymbolicLink(out.resolve("all/way")).toString());
      berth.berth("stop", "-t", "0", "box").exits(0);
    }
  }

  /** How often it is tried to catch a copy between two looks at a path. */
  private static final int TRIES = 100;

  private static final int RENAME_EXCHANGE = 2;

  /** What the container has at a path is now a folder and now a link to a folder of the machine. */
  @Test // CVE-2018-15664
  void copiesStayInside_whateverTheContainerSwaps() throws Exception {
    Path host = Files.createDirectories(here.resolve("of-the-machine"));
    Files.writeString(host.resolve("one"), "of the machine\n");
    Path volume = berth.folder("volume");
    Files.writeString(Files.createDirectory(volume.resolve("d")).resolve("one"), "inside\n");
    Files.createSymbolicLink(volume.resolve("link"), host);
    start();
    AtomicBoolean done = new AtomicBoolean();
    AtomicReference<SyscallException> failure = new AtomicReference<>();
    Thread swapping =
        Thread.ofPlatform()
            .start(() -> {
              try (RootedFiles files = RootedFiles.open(volume, RootedFiles.Confinement.BENEATH)) {
                while (!done.get()) {
                  files.rename("d", "link", RENAME_EXCHANGE);
                }
              } catch (SyscallException e) {
                failure.set(e);
              }
            });
    Path out = here.resolve("out");
    int copied = 0;
    try {
      for (int i = 0; i < TRIES; i++) {
        copied += berth.berth("cp", "box:/vol/d/one", out.toString()).exit() == 0 ? 1 : 0;
        if (Files.exists(out)) {
          assertFalse(Files.readString(out).contains("machine"), "a file of the machine is read");
        }
        copied +=
            berth.berth("cp", here.resolve("one").toString(), "box:/vol/d/").exit() == 0 ? 1 : 0;
        copied +=
            berth.berth("cp", here.resolve("tree").toString(), "box:/vol/d/").exit() == 0 ? 1 : 0;
        assertEquals(List.of("one"), List.of(host.toFile().list()));
        assertEquals("of the machine\n", Files.readString(host.resolve("one")));
      }
    } finally {
      done.set(true);
      swapping.join();
    }
    assertNull(failure.get(), "it was swapped all the time");
    assertTrue(copied > TRIES / 10, copied + " copies found the folder");
  }

  /** A copy runs no program of the container's, and loads none of its libraries. */
  @Test // CVE-2019-14271
  void copiesRunNothingOfTheContainers() throws Exception {
    start();
    String trap =
        "rm -f /bin/tar; printf '#!/bin/sh\\n/bin/busybox touch /ran\\n' >/bin/tar; chmod 755"
            + " /bin/tar; mkdir -p /lib64; for l in /lib/libnss_files.so.2 /lib64/libnss_files.so.2"
            + " /lib64/libc.so.6; do cp /bin/tar $l; done; echo 'passwd: files'"
            + " >/etc/nsswitch.conf; /bin/tar; test -e /ran && rm /ran";
    berth.berth("exec", "box", "sh", "-c", trap).exits(0);
    Path out = Files.createDirectories(here.resolve("out"));
    berth.berth("cp", "-a", here.resolve("tree").toString(), "box:/home").exits(0);
    berth.berth("cp", "-a", "box:/home/tree", out.toString()).exits(0);
    berth.berth("exec", "box", "ls", "/ran").exits(1);
    berth.berth("stop", "-t", "0", "box").exits(0);
    berth.berth("cp", "-a", here.resolve("one").toString(), "box:/home").exits(0);
    berth.berth("cp", "box:/home/one", out.toString()).exits(0);
    berth.berth("cp", "box:/ran", out.toString()).exits(1);
  }

  private static List<String> mounts() throws Exception {
    return Files.readAllLines(Path.of("/proc/self/mountinfo"));
  }

  // case S4: what a stopped container mounts is what it would see: a volume over the image's
  // folder,
  // binds of a folder and of a file, places that the image lacks, volumes of another container.
  @Test
  void volumesAndBindsOfAStoppedContainer() throws Exception {
    Path volume = berth.folder("volume");
    Files.writeString(volume.resolve("there"), "bound\n");
    Path conf = Files.writeString(here.resolve("conf"), "old\n");
    Path locked = Files.createDirectory(here.resolve("locked"));
    String folders =
        "-v shape-etc:/etc -v %s:/lack/deep -v %s:/conf -v shape-new:/fresh -v %s:/locked:ro"
            .formatted(volume, conf, locked);
    String rest = " --network none busybox:test sleep 1000";
    berth.words("create --name shapes " + folders + rest).exits(0);
    berth.words("create --name heir --volumes-from shapes" + rest).exits(0);
    try {
      List<String> before = mounts();
      String one = here.resolve("one").toString();
      for (String target : List.of("/etc/", "/lack/deep/", "/conf", "/fresh/")) {
        berth.berth("cp", one, "shapes:" + target).exits(0);
      }
      assertEquals("one\n", Files.readString(volume.resolve("one")));
      assertEquals("one\n", Files.readString(conf));
      berth.berth("cp", one, "shapes:/nowhere/").exits(1).says("it is not a folder");
      Command refused = berth.berth("cp", one, "shapes:/locked/").exits(1);
      assertTrue(refused.err().contains("is marked read-only"), refused.err());
      assertEquals(1, refused.err().lines().count(), refused.err());
      // Of one that has never run, of another with the same volumes, and of one that has run.
      for (String container : List.of("shapes", "heir", "shapes")) {
        mountedIsCopiedOut(container);
        if (container.equals("heir")) {
          assertEquals(before, mounts());
          berth.berth("start", "shapes").exits(0);
          for (String file : List.of("/etc/one", "/lack/deep/one", "/conf", "/fresh/one")) {
            assertEquals("one\n", berth.berth("exec", "shapes", "cat", file).exits(0).out());
          }
          berth.berth("stop", "-t", "0", "shapes").exits(0);
        }
      }
    } finally {
      berth.berth("rm", "-f", "shapes", "heir").exits(0);
      berth.berth("volume", "rm", "shape-etc", "shape-new").exits(0);
    }
  }

  private void mountedIsCopiedOut(String container) throws Exception {
    Path out = Files.createDirectory(here.resolve("out" + System.nanoTime()));
    berth.berth("cp", container + ":/lack/deep/there", out.toString()).exits(0);
    berth.berth("cp", container + ":/lack", out.toString()).exits(0);
    berth.berth("cp", container + ":/etc", out.toString()).exits(0);
    berth.berth("cp", container + ":/conf", out.toString()).exits(0);
    berth.berth("cp", container + ":/fresh/one", out.resolve("fresh").toString()).exits(0);
    assertEquals("bound\n", Files.readString(out.resolve("there")));
    assertEquals("one\n", Files.readString(out.resolve("lack/deep/one")));
    assertEquals("one\n", Files.readString(out.resolve("etc/one")));
    assertTrue(Files.exists(out.resolve("etc/passwd")), "the volume has what the image had");
    assertEquals("one\n", Files.readString(out.resolve("conf")));
    assertEquals("one\n", Files.readString(out.resolve("fresh")));
  }

  @Test
  void asTars() {
    byte[] tar =
        new BusyboxImage.Tar()
            .file("from-tar", 0644, "tar\n".getBytes(StandardCharsets.UTF_8))
            .bytes();
    List<String> line =
        List.of(
            berth.libexec().resolve("bin/berth").toString(),
            "--config",
            berth.config().toString(),
            "cp",
            "-",
            "box:/etc");
    Command.run(line, tar, Map.of()).exits(0);
    Command out = berth.berth("cp", "box:/etc/from-tar", "-").exits(0);
    assertTrue(out.out().startsWith("from-tar\0") && out.out().contains("tar\n"), out.out());
  }

  /** Case L24: links in the last place, made-up files, set-uid programs, fifos, devices, owners. */
  @Test
  void allShapes() throws Exception {
    start();
    berth
        .berth(
            "exec",
            "box",
            "sh",
            "-ec",
            "cd /made; echo old > real; ln -s real link; ln -s /made/fresh dangling;"
                + " mkfifo fifo; echo x > set; chown 1234:2345 set; chmod 6755 set")
        .exits(0);
    String one = here.resolve("one").toString();
    berth.berth("cp", one, "box:/made/link").exits(0);
    berth.berth("cp", one, "box:/made/dangling").exits(0);
    assertEquals("one\n", inside("/made/real"));
    assertEquals("one\n", inside("/made/fresh"));
    berth.berth("exec", "box", "test", "-L", "/made/link").exits(0);

    Path out = Files.createDirectory(here.resolve("out"));
    berth.berth("cp", "box:/proc/self/status", out.resolve("status").toString()).exits(0);
    assertTrue(Files.readString(out.resolve("status")).contains("\nPid:\t1\n"));
    berth.berth("cp", "box:/proc/version", out + "/").exits(0);
    assertEquals(
        Files.readString(Path.of("/proc/version")), Files.readString(out.resolve("version")));
    berth.berth("cp", "box:/made/fifo", out + "/").exits(0);
    assertTrue(Files.readAttributes(out.resolve("fifo"), BasicFileAttributes.class).isOther());
    Command device = berth.berth("cp", "box:/dev/null", out + "/").exits(1);
    assertTrue(device.err().contains("it is a device"), device.err());
    for (String archive : List.of("", "-a")) {
      Path copy = Files.createDirectory(here.resolve("copy" + archive));
      Files.createSymbolicLink(copy.resolve("link"), Path.of("target"));
      List<String> line = new ArrayList<>(List.of("container", "cp", "-q", "box:/made/set"));
      if (!archive.isEmpty()) {
        line.add(1 + 1, archive);
      }
      line.add(copy.resolve("link").toString());
      berth.berth(line.toArray(String[]::new)).exits(0);
      Path target = copy.resolve("target");
      assertEquals(06755, (int) Files.getAttribute(target, "unix:mode") & 07777);
      assertEquals(archive.isEmpty() ? 0 : 1234, (int) Files.getAttribute(target, "unix:uid"));
    }
    berth.berth("cp", "-L", "box:/made/link", out + "/").exits(0);
    assertEquals("one\n", Files.readString(out.resolve("link"), StandardCharsets.UTF_8));
    assertFalse(Files.isSymbolicLink(out.resolve("link")));
    berth.berth("cp", "-aL", here.resolve("copy-a/link").toString(), "box:/made/again").exits(0);
    assertEquals(
        "1234:2345 6755\n",
        berth.berth("exec", "box", "stat", "-c", "%u:%g %a", "/made/again").exits(0).out());
  }

  /** Case L24: what is read-only for the container is read-only for copies, running or not. */
  @Test
  void readOnlyContainers() throws Exception {
    String one = here.resolve("one").toString();
    berth
        .berth(
            "create",
            "--name",
            "locked",
            "--read-only",
            "--network",
            "none",
            "-v",
            "locked-v:/v",
            "busybox:test",
            "sleep",
            "1000")
        .exits(0);
    try {
      for (int round = 0; round < 2; round++) {
        Command refused = berth.berth("cp", one, "locked:/etc/one").exits(1);
        assertTrue(refused.err().contains("is marked read-only"), refused.err());
        assertFalse(refused.err().contains(berth.folder("").toString()), refused.err());
        berth.berth("cp", one, "locked:/v/one" + round).exits(0);
        berth.berth("start", "locked").exits(0);
      }
    } finally {
      berth.berth("rm", "-f", "-v", "locked").exits(0);
      berth.berth("volume", "rm", "-f", "locked-v").exits(0);
    }
  }

  @Test
  void whatCannotBeCopied() {
    Path one = here.resolve("one");
    for (String[] line :
        new String[][] {
          {"cp", "box:/no/such", here.toString()},
          {"cp", here.resolve("none").toString(), "box:/etc"},
          {"cp", one.toString(), "box:/no/such/folder"},
          {"cp", here.resolve("tree").toString(), "box:/etc/passwd"},
          {"cp", one.toString(), "box:/etc/newfolder/"},
          {"cp", one.toString(), "nobody:/etc"},
          {"cp", "box:/etc", one.toString()},
          {"cp", one.toString(), one.toString()},
          {"cp", "box:/etc/passwd", here.resolve("no/such/file").toString()},
        }) {
      Command refused = berth.berth(line);
      assertTrue(refused.exit() == 1 || refused.exit() == 125, refused.toString());
      assertEquals(1, refused.err().lines().count(), refused.err());
    }
    assertFalse(Files.exists(here.resolve("no")));
  }
}
