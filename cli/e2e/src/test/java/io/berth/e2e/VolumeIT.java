package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.berth.testing.Eventually;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Volumes: what they hold at first, what they keep, when they go. */
@Tag("root")
final class VolumeIT {
  @RegisterExtension static final BerthInstance berth = new BerthInstance(BerthInstance.COLD);

  @BeforeAll
  static void image() throws Exception {
    Path tar = berth.folder("image").resolve("rootfs.tar");
    byte[] more =
        new BusyboxImage.Tar()
            .file("data/first", 0640, "of the image\n".getBytes(StandardCharsets.UTF_8))
            .file("data/in/second", 0755, new byte[0])
            .file("file", 0644, new byte[0])
            .bytes();
    Path base = Files.write(berth.folder("image").resolve("base.tar"), BusyboxImage.layer());
    berth.berth("import", Command.arg(base), "base:1").exits(0);
    // Two layers: a container's changes on top of the programs.
    Files.write(tar, more);
    berth.berth("create", "--name", "maker", "--network", "none", "base:1", "true").exits(0);
    Command copied =
        Command.run(berth.line("cp", "-", "maker:/"), Files.readAllBytes(tar), Map.of());
    copied.exits(0);
    berth.berth("commit", "-c", "VOLUME /data", "maker", "app:1").exits(0);
    berth.berth("rm", "maker").exits(0);
  }

  @AfterEach
  void removeAll() {
    for (String id : berth.berth("ps", "-aq").exits(0).out().lines().toList()) {
      berth.berth("rm", "-f", "-v", id).exits(0);
    }
    for (String name : berth.berth("volume", "ls", "-q").exits(0).out().lines().toList()) {
      berth.berth("volume", "rm", name).exits(0);
    }
  }

  private static String run(String... more) {
    List<String> line = new ArrayList<>(List.of("run", "--rm", "--network", "none"));
    line.addAll(List.of(more));
    return berth.berth(line.toArray(String[]::new)).exits(0).out();
  }

  @Test
  void aNamedVolumeBeginsWithTheImagesContent() {
    assertEquals("first\nin\n", run("-v", "own:/data", "app:1", "ls", "/data"));
    assertEquals(
        "640 of the image\n",
        run(
            "-v",
            "own:/data",
            "app:1",
            "sh",
            "-c",
            "echo $(stat -c %a /data/first) $(cat /data/first)"));
    run("-v", "own:/data", "app:1", "sh", "-c", "rm -r /data/in; echo changed >/data/first");
    // Once: what is there afterwards is the volume's own.
    assertEquals(
        "changed\nfirst\n",
        run("-v", "own:/data", "app:1", "sh", "-c", "cat /data/first; ls /data"));
    assertEquals("first\n", run("-v", "own:/elsewhere", "app:1", "ls", "/elsewhere"));
    assertEquals("", run("-v", "empty:/data:nocopy", "app:1", "ls", "/data"));
    assertEquals(
        "",
        run("--mount", "type=volume,src=empty2,dst=/data,volume-nocopy", "app:1", "ls", "/data"));
    // Read-only as the container sees it, and filled all the same.
    assertEquals("first\nin\n", run("-v", "ro:/data:ro", "app:1", "ls", "/data"));
  }

  @Test
  void anAnonymousOneSurvivesStopAndStart() {
    berth
        .berth("run", "-d", "--name", "va", "--network", "none", "app:1", "sleep", "1000")
        .exits(0);
    berth.berth("exec", "va", "sh", "-c", "echo more >>/data/first").exits(0);
    berth.berth("restart", "-t", "0", "va").exits(0);
    assertEquals(
        "of the image\nmore\n", berth.berth("exec", "va", "cat", "/data/first").exits(0).out());
    assertEquals(1, berth.berth("volume", "ls", "-q").exits(0).out().lines().count());
    berth.berth("rm", "-f", "-v", "va").exits(0);
    assertEquals("", berth.berth("volume", "ls", "-q").exits(0).out());
  }

  @Test
  void aMountOfThePersonsCoversTheImagesVolume() throws Exception {
    Path host = berth.folder("host");
    Files.writeString(host.resolve("mine"), "x");
    assertEquals("mine\n", run("-v", host + ":/data", "app:1", "ls", "/data"));
    assertEquals("", berth.berth("volume", "ls", "-q").exits(0).out());
  }

  @Test
  void aVolumeOverAFileIsRefused() {
    Command refused =
        berth.berth("create", "--network", "none", "-v", "/file", "app:1", "true").exits(1);
    refused.says("cannot mount volume over existing file, file exists `/file`");
    assertEquals(1, refused.err().lines().count(), refused.err());
    assertEquals("", berth.berth("ps", "-aq").exits(0).out());
    assertEquals("", berth.berth("volume", "ls", "-q").exits(0).out());
  }

  /** What is mounted from the host is never removed with the container. */
  @Test
  void aBusyBindSurvivesAForcedRemoval() throws Exception {
    Path host = berth.folder("busy");
    Files.writeString(Files.createDirectories(host.resolve("deep")).resolve("kept"), "x");
    berth
        .berth(
            "run",
            "-d",
            "--name",
            "vb",
            "--network",
            "none",
            "-v",
            host + ":/host",
            "-v",
            "named:/named",
            "app:1",
            "sh",
            "-c",
            "cd /host/deep && echo y >/named/kept && sleep 1000")
        .exits(0);
    long deadline = System.nanoTime() + 10_000_000_000L;
    while (berth.berth("exec", "vb", "test", "-s", "/named/kept").exit() != 0) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("never ready");
      }
    }
    // Somebody inside who stands in the mount, and who is not the first process.
    berth.berth("exec", "-d", "-w", "/host/deep", "vb", "sleep", "1000").exits(0);
    berth.berth("rm", "-f", "-v", "vb").exits(0);
    assertEquals("x", Files.readString(host.resolve("deep/kept")));
    assertEquals("y\n", run("-v", "named:/named", "app:1", "cat", "/named/kept"));
  }

  private static long mounted(String name) throws Exception {
    return Files.readString(Path.of("/proc/self/mountinfo"))
        .lines()
        .filter(line -> line.contains("/volumes/" + name + "/_data "))
        .count();
  }

  /** One file system for all containers, as long as one of them runs, whatever dies meanwhile. */
  @Test
  void aVolumeOfAFileSystemIsSharedAndUnmounted() throws Exception {
    berth.berth("volume", "create", "-o", "type=tmpfs").exits(1).says("missing required option");
    berth.berth("volume", "create", "--opt", "foo=bar").exits(1).says("invalid option key");
    berth
        .berth(
            "volume",
            "create",
            "--driver",
            "local",
            "--opt",
            "type=tmpfs",
            "--opt",
            "device=tmpfs",
            "--opt",
            "o=size=1m,uid=33",
            "mem")
        .exits(0);
    assertEquals(0, mounted("mem"));
    for (String name : List.of("v1", "v2")) {
      berth
          .berth(
              "run",
              "-d",
              "--name",
              name,
              "--network",
              "none",
              "-v",
              "mem:/mem",
              "app:1",
              "sleep",
              "1000")
          .exits(0);
    }
    assertEquals(1, mounted("mem"));
    berth.berth("exec", "v1", "sh", "-c", "echo shared >/mem/one").exits(0);
    assertEquals("shared\n", berth.berth("exec", "v2", "cat", "/mem/one").exits(0).out());
    assertEquals(
        "33 1024\n",
        berth
            .berth(
                "exec",
                "v2",
                "sh",
                "-c",
                "echo $(stat -c %u /mem) $(df -k /mem | tail -1 | awk '{print $2}')")
            .exits(0)
            .out());
    berth.berth("rm", "-f", "v1").exits(0);
    assertEquals("shared\n", berth.berth("exec", "v2", "cat", "/mem/one").exits(0).out());
    berth.berth("kill", "v2").exits(0);
    Eventually.holds("unmounted", () -> mounted("mem") == 0);
  }

  /** A folder of the host, which gets the image's files when it is empty, and outlives all. */
  @Test
  void aVolumeOfAFolderOfTheHost() throws Exception {
    Path host = berth.folder("device");
    berth
        .berth("volume", "create", "-o", "type=none", "-o", "device=" + host, "-o", "o=bind", "dev")
        .exits(0);
    assertEquals("first\nin\n", run("-v", "dev:/data", "app:1", "ls", "/data"));
    assertEquals("of the image\n", Files.readString(host.resolve("first")));
    berth.berth("create", "--name", "vc", "--network", "none", "-v", "dev:/data", "app:1").exits(0);
    Path file = Files.writeString(berth.folder("more").resolve("copied"), "x");
    // What a stopped container shows is what it will show.
    berth.berth("cp", file.toString(), "vc:/data/copied").exits(0);
    assertEquals("x", Files.readString(host.resolve("copied")));
    Eventually.holds("unmounted", () -> mounted("dev") == 0);
    berth.berth("rm", "-v", "vc").exits(0);
    berth.berth("volume", "rm", "dev").exits(0);
    assertEquals("x", Files.readString(host.resolve("copied")));
    berth
        .berth(
            "volume", "create", "-o", "type=none", "-o", "device=/none/such", "-o", "o=bind", "no")
        .exits(0);
    Command refused =
        berth.berth("run", "--rm", "--network", "none", "-v", "no:/data", "app:1", "true");
    refused.says("mount volume `no`");
    assertEquals(1, refused.err().lines().count(), refused.err());
    assertEquals("", berth.berth("ps", "-aq").exits(0).out());
  }

  /** In docker's words: who used the volume, and what it takes of the disk. */
  @Test
  void aVolumesUseIsToldAndMeasured() {
    run("--name", "ve", "-v", "told:/data", "app:1", "sh", "-c", "echo more >/data/more");
    String told =
        berth
            .berth("events", "--since", "10m", "--until", "0s", "--format", "{{.Type}} {{.Action}}")
            .exits(0)
            .out();
    assertEquals(
        List.of(
            "volume create",
            "container create",
            "container attach",
            "volume mount",
            "container start",
            "container die",
            "volume unmount",
            "container destroy"),
        told.lines().filter(line -> !line.startsWith("network")).toList().reversed().stream()
            .limit(8)
            .toList()
            .reversed());
    assertEquals(
        "mount told\n",
        berth
            .berth(
                "events",
                "--since",
                "10m",
                "--until",
                "0s",
                "-f",
                "volume=told",
                "-f",
                "event=mount",
                "--format",
                "{{.Action}} {{.Actor.ID}}")
            .exits(0)
            .out());
    String used =
        berth
            .berth("system", "df", "--format", "{{.Type}} {{.TotalCount}} {{.Active}}")
            .exits(0)
            .out();
    assertEquals(
        List.of("Images 2 0", "Containers 0 0", "Local Volumes 1 0", "Build Cache 0 0"),
        used.lines().toList());
  }
}
