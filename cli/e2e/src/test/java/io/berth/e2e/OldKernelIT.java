package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Case V1: a container's life as on a kernel that has nothing of what can be done without; a real
 * one is tried by dist/vm/run --plain.
 */
@Tag("root")
final class OldKernelIT {
  @RegisterExtension static final BerthInstance berth = BerthInstance.withoutFeatures("all");

  /** More than a page of options could name by their paths. */
  private static final int DEEP = 200;

  @BeforeAll
  static void images() throws Exception {
    Path folder = berth.folder("images");
    List<byte[]> layers = new ArrayList<>(List.of(BusyboxImage.layer()));
    layers.add(layer("here", "2"));
    load(BusyboxImage.archive(folder, "docker.io/library/flat:1", layers, List.of()));
    for (int i = layers.size(); i < DEEP; i++) {
      layers.add(layer("of-" + i, Integer.toString(i)));
    }
    load(BusyboxImage.archive(folder, "docker.io/library/deep:1", layers, List.of()));
  }

  private static byte[] layer(String name, String text) {
    return new BusyboxImage.Tar()
        .folder("data/", 0755)
        .file("data/" + name, 0644, text.getBytes(StandardCharsets.UTF_8))
        .file("data/all", 0644, text.getBytes(StandardCharsets.UTF_8))
        .bytes();
  }

  private static void load(Path archive) {
    berth.berth("load", "-i", archive.toString()).exits(0);
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
    List<String> line = new ArrayList<>(List.of("run", "--network", "none"));
    line.addAll(List.of(more));
    return berth.berth(line.toArray(String[]::new)).exits(0).out();
  }

  @Test
  void info_saysHowOverlaysAreMounted() {
    berth.berth("info").exits(0).says("\noverlay layers: lowerdir\n");
  }

  /** The services are asked, not this process: they do without. */
  @Test
  void info_tellsOfEachFeature() {
    String table = berth.berth("info", "--features").exits(0).out();
    for (String name : List.of("overlay-lowerdir-append", "nft-table-persist", "pidfd-exit")) {
      assertTrue(
          table.lines().anyMatch(line -> line.matches(name + " .* taken away .*\\.")), table);
    }
    assertTrue(table.lines().anyMatch(line -> line.matches("openat2 +5\\.6 +yes .*\\.")), table);
    assertEquals(
        table.lines().skip(1).map(line -> line.replaceFirst(" .*", "")).toList(),
        berth.berth("info", "--features", "--format", "{{.Name}}").exits(0).out().lines().toList());
  }

  @Test
  void whatAContainerChanges_isSeen_told_copied_andKept() throws Exception {
    run("-d", "--name", "box", "flat:1", "sleep", "10000");
    assertEquals("2", berth.berth("exec", "box", "cat", "/data/here").exits(0).out());
    berth.berth("exec", "box", "sh", "-c", "echo new >/new; rm /data/here").exits(0);
    berth.berth("diff", "box").exits(0).says("A /new\n").says("D /data/here\n");
    berth.berth("stop", "-t", "0", "box").exits(0);
    Path file = Files.writeString(berth.folder("files").resolve("copied"), "copied\n");
    berth.berth("cp", file.toString(), "box:/data/copied").exits(0);
    berth.berth("commit", "box", "changed:1").exits(0);
    assertEquals("all\ncopied\nnew\n", run("--rm", "changed:1", "sh", "-c", "ls /data; cat /new"));
    berth.berth("start", "box").exits(0);
    assertEquals("copied\n", berth.berth("exec", "box", "cat", "/data/copied").exits(0).out());
  }

  @Test
  void anImageWhoseLayersFillMoreThanAPage_runs_andIsWrittenTo() throws Exception {
    String last = Integer.toString(DEEP - 1);
    assertEquals(
        "2" + last + last,
        run("--rm", "deep:1", "sh", "-c", "cd /data; cat here of-" + last + " all"));
    run("--name", "box", "deep:1", "sh", "-c", "rm /data/all; echo new >/data/here");
    Path file = Files.writeString(berth.folder("files").resolve("copied"), "copied\n");
    berth.berth("cp", file.toString(), "box:/data/of-2").exits(0);
    berth.berth("commit", "box", "deeper:1").exits(0);
    assertEquals(
        "copied\nnew\n",
        run("--rm", "deeper:1", "sh", "-c", "cd /data; test ! -e all && cat of-2 here"));
  }

  @Test
  void volumesBeginWithTheImagesContent_andAReadOnlyRootIsOne() {
    assertEquals("all\nhere\n", run("--rm", "-v", "kept:/data", "flat:1", "ls", "/data"));
    run("--rm", "-v", "kept:/data", "flat:1", "touch", "/data/more");
    assertEquals("all\nhere\nmore\n", run("--rm", "-v", "kept:/here", "flat:1", "ls", "/here"));
    String said =
        run("--rm", "--read-only", "flat:1", "sh", "-c", "touch /data/x 2>&1 || echo refused");
    assertTrue(said.contains("Read-only file system\nrefused"), said);
  }

  @Test
  void ctrRunsOne() throws Exception {
    Path archive =
        BusyboxImage.archive(
            berth.folder("images"),
            BusyboxImage.NAME,
            List.of(BusyboxImage.layer(), layer("a", "b")),
            List.of());
    berth.ctr("images", "import", archive.toString()).exits(0);
    assertEquals(
        "b", berth.ctr("run", "--rm", BusyboxImage.NAME, "one", "cat", "/data/a").exits(0).out());
  }
}
