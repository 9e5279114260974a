package io.berth.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.berth.api.berth.image.v1.ExtractRequest;
import io.berth.api.berth.image.v1.RemoveRootfsRequest;
import io.berth.api.berth.image.v1.StatPathRequest;
import io.berth.api.containerd.types.Mount;
import io.berth.linux.MountFlags;
import io.berth.linux.Mounts;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/**
 * The files of a stopped container are those that its start would show, with what it mounts. Here
 * with overlayfs.
 */
@Tag("root")
class StoppedContainerIT {
  @RegisterExtension final ServiceExtension service = new ServiceExtension(configuration());
  private final StoppedContainer container = new StoppedContainer(service);
  @TempDir Path host;

  String configuration() {
    return "";
  }

  @BeforeEach
  void prepare() throws Exception {
    container.prepare();
  }

  @AfterEach
  void nothingIsLeftMounted() throws Exception {
    container.assertNothingIsLeftMounted();
  }

  private Path folder(String name) throws IOException {
    return Files.createDirectories(host.resolve(name));
  }

  /**
   * A volume covers a folder of the image, a file is bound over one, and a target is missing in the
   * image.
   */
  @Test // case S4
  void threeShapes_areReadAndNothingChanges() throws Exception {
    Path volume = folder("volume");
    Files.writeString(volume.resolve("v"), "volume");
    Path conf = Files.writeString(host.resolve("conf"), "bound");
    Path lacking = folder("lacking");
    Files.writeString(lacking.resolve("l"), "lacking");
    Mount[] mounts = {
      StoppedContainer.bind(volume, "/data"),
      StoppedContainer.bind(conf, "/etc/conf"),
      StoppedContainer.bind(lacking, "/lack/deep"),
      StoppedContainer.bind(conf, "/lack/file")
    };
    assertEquals(Map.of("data/", "", "data/v", "volume"), container.read("/data", mounts));
    assertEquals(Map.of("conf", "bound"), container.read("/etc/conf", mounts));
    assertEquals(
        Map.of("lack/", "", "lack/deep/", "", "lack/deep/l", "lacking", "lack/file", "bound"),
        container.read("/lack", mounts));
    assertEquals("u", container.read("/etc/upper", mounts).get("upper"));
    assertEquals("v", container.stat("/data/v", mounts));
    assertThrows(StatusRuntimeException.class, () -> container.stat("/data/below", mounts));
    assertEquals("image", container.read("/data/below").get("below"));
    assertEquals(List.of(), container.changes());
  }

  @Test // case S4
  void threeShapes_areWrittenWhereTheContainerWouldSeeThem() throws Exception {
    Path volume = folder("volume");
    Path conf = Files.writeString(host.resolve("conf"), "a longer content than the new one");
    Path lacking = folder("lacking");
    Mount[] mounts = {
      StoppedContainer.bind(volume, "/data"),
      StoppedContainer.bind(conf, "/etc/conf"),
      StoppedContainer.bind(lacking, "/lack/deep")
    };
    container.write("/data", "one", mounts);
    container.write("/lack/deep", "two", mounts);
    container.write("/etc", "conf", mounts);
    container.write("/etc", "own", mounts);
    assertEquals("new", Files.readString(volume.resolve("one")));
    assertEquals("new", Files.readString(lacking.resolve("two")));
    assertEquals("new", Files.readString(conf));
    // The changes are those after a start: the target that was missing, and what was written beside
    // the mounts.
    assertEquals(List.of("/etc", "/etc/own", "/lack", "/lack/deep"), container.changes());
    assertEquals("image", container.read("/etc/conf").get("conf"));
  }

  /** Mounts stand in mounts, and links lead into a volume and out of it. */
  @Test // case S4
  void nestedMountsAndLinks_areFollowedInside() throws Exception {
    Path volume = folder("volume");
    Path inner = folder("inner");
    Files.createSymbolicLink(volume.resolve("out"), Path.of("/data"));
    Files.createSymbolicLink(volume.resolve("far"), Path.of("../../../etc"));
    Mount[] mounts = {
      StoppedContainer.bind(volume, "/vol"), StoppedContainer.bind(inner, "/vol/in/side")
    };
    container.write("/toVolume", "one", mounts);
    container.write("/vol/in/side", "two", mounts);
    container.write("/vol/out", "three", mounts);
    container.write("/toVolume/far", "four", mounts);
    assertEquals("new", Files.readString(volume.resolve("one")));
    assertEquals("new", Files.readString(inner.resolve("two")));
    assertEquals(List.of(), List.of(volume.resolve("in/side").toFile().list()));
    assertEquals("new", container.read("/data/three").get("three"));
    assertEquals("new", container.read("/etc/four").get("four"));
    assertEquals(
        Map.of(
            "toVolume/",
            "",
            "toVolume/far",
            "-> ../../../etc",
            "toVolume/in/",
            "",
            "toVolume/in/side/",
            "",
            "toVolume/in/side/two",
            "new",
            "toVolume/one",
            "new",
            "toVolume/out",
            "-> /data"),
        container.read("/toVolume/", mounts));
    assertFalse(Files.exists(Path.of("/etc/four")));
  }

  @Test // case S4, L24
  void readOnly_isRefusedInWordsOfTheContainer() throws Exception {
    Path volume = folder("volume");
    Path inner = folder("inner");
    Path conf = Files.writeString(host.resolve("conf"), "bound");
    Mount[] mounts = {
      StoppedContainer.bind(volume, "/data", "ro", "rro"),
      StoppedContainer.bind(inner, "/etc/inner", "ro"),
      StoppedContainer.bind(conf, "/etc/conf", "ro")
    };
    String message = container.refused("/data", "one", false, mounts);
    assertTrue(message.startsWith("FAILED_PRECONDITION: copy at `/data`: "), message);
    assertTrue(message.contains("mounted volume `/data` is marked read-only"), message);
    message = container.refused("/etc", "inner/x", false, mounts);
    assertTrue(message.contains("is marked read-only"), message);
    message = container.refused("/etc", "conf", false, mounts);
    assertTrue(message.contains("is marked read-only"), message);
    Mount writable = StoppedContainer.bind(volume, "/data");
    message = container.refused("/etc", "one", true, writable);
    assertTrue(message.contains("container rootfs is marked read-only"), message);
    byte[] tar = Archives.layer().file("one", "new").tar();
    container
        .new Extraction(
            StoppedContainer.writing("/data", tar, writable).setReadOnlyRootfs(true).build())
        .end();
    assertEquals("new", Files.readString(volume.resolve("one")));
    assertEquals("bound", Files.readString(conf));
  }

  /** What is written to a tmpfs would be lost at the start. */
  @Test // case S4
  void tmpfs_isEmptyAndTakesNothing() throws Exception {
    assertEquals(Map.of("data/", ""), container.read("/data", StoppedContainer.tmpfs("/data")));
    String message = container.refused("/data", "one", false, StoppedContainer.tmpfs("/data"));
    assertTrue(message.contains("`/data` is a tmpfs, which begins empty"), message);
  }

  /** Files can be rescued from a container that no longer starts. */
  @Test // case S4
  void sourceThatIsGone_isToldToThoseWhoLookThere() throws Exception {
    Mount gone = StoppedContainer.bind(host.resolve("gone"), "/data");
    assertEquals("u", container.read("/etc/upper", gone).get("upper"));
    container.write("/etc", "one", gone);
    String message = container.refused("/data", "one", false, gone);
    assertTrue(
        message.contains("mount `/data` cannot be shown: its source `" + host + "/gone`"), message);
    var e = assertThrows(StatusRuntimeException.class, () -> container.stat("/data/below", gone));
    assertTrue(String.valueOf(e.getMessage()).contains("is not there"), e.getMessage());
  }

  /** An image's links lead the target of a mount nowhere but inside. */
  @Test // case S4
  void hostileTargets_stayInside() throws Exception {
    Path volume = folder("volume");
    Files.writeString(volume.resolve("v"), "volume");
    List<String> before = Files.readAllLines(Path.of("/proc/self/mountinfo"));
    Mount[] mounts = {
      StoppedContainer.bind(volume, "/toRoot"),
      StoppedContainer.bind(volume, "/up" + host + "/x"),
      StoppedContainer.bind(volume, "/../../tmp/y"),
      StoppedContainer.bind(volume, "/dangling/z"),
      StoppedContainer.bind(volume, "/toRoot/proc/self/root/w")
    };
    assertEquals("volume", container.read("/toRoot" + host + "/x/v", mounts).get("v"));
    assertEquals("volume", container.read("/tmp/y/v", mounts).get("v"));
    assertEquals("volume", container.read("/not/yet/z/v", mounts).get("v"));
    assertEquals("volume", container.read("/proc/self/root/w/v", mounts).get("v"));
    container.write("/tmp/y", "new", mounts);
    assertEquals("new", Files.readString(volume.resolve("new")));
    assertFalse(Files.exists(host.resolve("x")));
    assertFalse(Files.exists(Path.of("/tmp/y")));
    assertFalse(Files.exists(Path.of("/not")));
    assertEquals(before, Files.readAllLines(Path.of("/proc/self/mountinfo")));
  }

  /** Equal inode numbers on two file systems are two files. */
  @Test // case S4
  void filesOfTwoMounts_areNotTakenForOne() throws Exception {
    List<Path> mounted = new ArrayList<>();
    try {
      for (String name : List.of("a", "b")) {
        Path at = folder(name);
        Mounts.mount("tmpfs", at, "tmpfs", 0, "size=1m");
        mounted.add(at);
        Files.writeString(at.resolve("f"), name);
        Files.createLink(at.resolve("g"), at.resolve("f"));
      }
      assertEquals(
          Files.getAttribute(mounted.get(0).resolve("f"), "unix:ino"),
          Files.getAttribute(mounted.get(1).resolve("f"), "unix:ino"));
      Map<String, String> found =
          container.read(
              "/m",
              StoppedContainer.bind(mounted.get(0), "/m/a"),
              StoppedContainer.bind(mounted.get(1), "/m/b"));
      assertEquals("a", found.get("m/a/f"));
      assertEquals("b", found.get("m/b/f"));
      assertEquals("-> m/b/f", found.get("m/b/g"));
    } finally {
      for (Path at : mounted) {
        Mounts.unmount(at, MountFlags.MNT_DETACH);
      }
    }
  }

  /** Nothing shows on the host while a copy goes on, and it may end with the container. */
  @Test // case S4
  void copyIntoAContainerThatIsRemoved_saysSoAndShowsNothingOnTheHost() throws Exception {
    Path volume = folder("volume");
    StoppedContainer.Extraction extraction =
        container
        .new Extraction(
            StoppedContainer.writing("/data", new byte[0], StoppedContainer.bind(volume, "/data"))
                .build());
    container.awaitAssembled();
    assertEquals(List.of(), container.mountsOfTheService(Path.of("/proc/self/mountinfo")));
    container.rootfs().remove(RemoveRootfsRequest.newBuilder().setKey("c").build());
    extraction.requests.onNext(
        ExtractRequest.newBuilder()
            .setData(ByteString.copyFrom(Archives.layer().file("one", "new").tar()))
            .build());
    var e = assertThrows(StatusRuntimeException.class, extraction::end);
    assertTrue(
        String.valueOf(e.getMessage()).startsWith("NOT_FOUND: write to snapshot \"c\": "),
        e.getMessage());
  }

  /** The process number of a container that has ended may be that of a process of the host. */
  @Test // case S4
  void rootOfAProcessOfTheHosts_isNotAContainers() {
    var e =
        assertThrows(
            StatusRuntimeException.class,
            () ->
                container
                    .rootfs()
                    .statPath(
                        StatPathRequest.newBuilder()
                            .setRootfs("/proc/" + ProcessHandle.current().pid() + "/root")
                            .setPath("/etc")
                            .build()));
    assertTrue(String.valueOf(e.getMessage()).startsWith("NOT_FOUND: "), e.getMessage());
  }
}
