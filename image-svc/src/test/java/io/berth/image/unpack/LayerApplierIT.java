package io.berth.image.unpack;

import static java.nio.file.Files.exists;
import static java.nio.file.Files.readString;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.github.luben.zstd.Zstd;
import io.berth.base.error.BerthException;
import io.berth.base.id.Digest;
import io.berth.base.tar.TarEntry;
import io.berth.image.Archives;
import io.berth.image.codec.ByteSource;
import io.berth.linux.FileStatus;
import io.berth.linux.FileTimestamp;
import io.berth.linux.RootedFiles;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Applies layers to a folder. Owners, devices and overlayfs' marks need root. */
@Tag("root")
final class LayerApplierIT {
  @TempDir Path folder;
  private Path outside;
  private final LayerApplier applier = new LayerApplier(LayerLimits.NONE);

  @BeforeEach
  void outside() throws IOException {
    outside =
        Files.writeString(Files.createDirectory(folder.resolve("out")).resolve("secret"), "old");
  }

  private AppliedLayer apply(byte[] layer, String to, boolean isolated) throws IOException {
    Path target = Files.createDirectories(folder.resolve(to));
    try (RootedFiles files = RootedFiles.open(target, RootedFiles.Confinement.IN_ROOT)) {
      return applier.apply(ByteSource.of(layer), files, isolated);
    }
  }

  private AppliedLayer apply(byte[] layer) throws IOException {
    return apply(layer, "l", /* isolated= */ true);
  }

  private Path at(String path) {
    return folder.resolve("l").resolve(path);
  }

  private String refused(Archives.Layer layer) {
    return assertThrows(BerthException.InvalidArgument.class, () -> apply(layer.tar()))
        .getMessage();
  }

  @Test
  void everythingIsRestored() throws Exception {
    byte[] tar =
        Archives.layer()
            .directory("./", 0711, 7)
            .directory("d/", 02775, 1000)
            .entry(
                new TarEntry(
                    "d/f",
                    TarEntry.Type.FILE,
                    04751,
                    1000,
                    1001,
                    0,
                    new FileTimestamp(-5, 999),
                    "",
                    0,
                    0,
                    Map.of("user.k", new byte[] {1, 0, 2})))
            .link("d/hard", TarEntry.Type.HARD_LINK, "d/f")
            .link("sym", TarEntry.Type.SYMBOLIC_LINK, "/etc/../d")
            .device("null", TarEntry.Type.CHARACTER_DEVICE, 1, 3)
            .device("blk", TarEntry.Type.BLOCK_DEVICE, 7, 300)
            .file("sticky/below/f", "implicit")
            .tar();
    AppliedLayer applied = apply(tar);
    assertEquals(Digest.sha256(tar), applied.diffId());
    assertEquals(List.of("sticky", "sticky/below"), applied.implicit());
    FileStatus file = FileStatus.ofLink(at("d/f"));
    assertEquals(04751, file.permissions());
    assertEquals(1000, file.uid());
    assertEquals(1001, file.gid());
    assertEquals(new FileTimestamp(-5, 999), file.modified());
    assertEquals(2, file.links());
    try (RootedFiles files =
        RootedFiles.open(folder.resolve("l"), RootedFiles.Confinement.IN_ROOT)) {
      assertArrayEquals(new byte[] {1, 0, 2}, files.attribute("d/f", "user.k"));
    }
    assertEquals(02775, FileStatus.ofLink(at("d")).permissions());
    assertEquals(1_600_000_000, FileStatus.ofLink(at("d")).modified().seconds());
    assertEquals(0, FileStatus.ofLink(at("d/hard")).modified().seconds() + 5);
    assertEquals("/etc/../d", Files.readSymbolicLink(at("sym")).toString());
    assertEquals(new FileStatus.Device(7, 300), FileStatus.ofLink(at("blk")).special());
    assertEquals(0711, FileStatus.ofLink(at("")).permissions());
  }

  @Test
  void packedLayers_giveTheSameFiles() throws Exception {
    byte[] tar = Archives.layer().file("f", "x".repeat(1_000_000)).tar();
    byte[] twoMembers =
        concat(
            Archives.gzip(Arrays.copyOf(tar, 700)),
            Archives.gzip(Arrays.copyOfRange(tar, 700, tar.length)));
    int i = 0;
    for (byte[] packed : List.of(tar, Archives.gzip(tar), twoMembers, Zstd.compress(tar))) {
      AppliedLayer applied = apply(packed, "p" + i, true);
      assertEquals(Digest.sha256(tar), applied.diffId());
      assertEquals(1_000_000, Files.size(folder.resolve("p" + i++).resolve("f")));
    }
    byte[] gzip = Archives.gzip(tar);
    byte[] zstd = Zstd.compress(tar);
    for (byte[] cut :
        List.of(
            Arrays.copyOf(gzip, gzip.length - 9),
            Arrays.copyOf(zstd, zstd.length - 5),
            Arrays.copyOf(tar, 5000))) {
      var e = assertThrows(BerthException.InvalidArgument.class, () -> apply(cut, "cut", true));
      assertTrue(e.getMessage().contains("cut off"), e.getMessage());
    }
  }

  private static byte[] concat(byte[] a, byte[] b) {
    byte[] both = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, both, a.length, b.length);
    return both;
  }

  @Test
  void dotDot_isRefusedAndNothingLeavesTheRoot() throws Exception {
    assertEquals(
        "unpack `../out/secret`: its path leads out of the root by `..`",
        refused(Archives.layer().file("../out/secret", "new")));
    assertEquals(
        "unpack `a/../../x`: its path leads out of the root by `..`",
        refused(Archives.layer().file("a/../../x", "new")));
    assertTrue(
        refused(Archives.layer().link("h", TarEntry.Type.HARD_LINK, "../out/secret"))
            .contains("its path leads out of the root by `..`"));
    assertEquals("old", readString(outside));
  }

  @Test
  void links_leadNowhereElse() throws Exception {
    String target = folder.resolve("out").toString();
    apply(
        Archives.layer()
            .link("abs", TarEntry.Type.SYMBOLIC_LINK, target)
            .link("rel", TarEntry.Type.SYMBOLIC_LINK, "../../../../../../.." + target)
            .file("abs/secret", "new")
            .file("rel/secret", "newer")
            .file("/etc/passwd", "inside")
            .link("file", TarEntry.Type.SYMBOLIC_LINK, outside.toString())
            .file("file", "replaced")
            .tar());
    assertEquals("old", readString(outside));
    assertEquals("newer", readString(at(target.substring(1)).resolve("secret")));
    assertEquals("inside", readString(at("etc/passwd")));
    assertEquals("replaced", readString(at("file")));
  }

  @Test
  void hardLinks_reachNoLowerLayerAndNoDirectory() throws Exception {
    assertEquals(
        "unpack `h`: hard link to `bin/sh`, which is not in this layer",
        refused(Archives.layer().link("h", TarEntry.Type.HARD_LINK, "bin/sh")));
    apply(
        Archives.layer()
            .link("to-secret", TarEntry.Type.SYMBOLIC_LINK, outside.toString())
            .link("h", TarEntry.Type.HARD_LINK, "to-secret")
            .tar());
    assertTrue(Files.isSymbolicLink(at("h")));
    assertEquals(1, FileStatus.of(outside).links());
    assertThrows(
        BerthException.PermissionDenied.class,
        () ->
            apply(
                Archives.layer()
                    .directory("d/", 0755, 0)
                    .link("h", TarEntry.Type.HARD_LINK, "d")
                    .tar()));
  }

  @Test
  void laterEntries_replaceEarlierOnes() throws Exception {
    apply(
        Archives.layer()
            .file("a", "file")
            .directory("a/", 0755, 0)
            .file("a/b", "1")
            .file("a/b", "2")
            .directory("c/", 0755, 0)
            .file("c/x", "")
            .file("c", "file now")
            .link("d", TarEntry.Type.SYMBOLIC_LINK, "a")
            .directory("d/", 0700, 0)
            .tar());
    assertEquals("2", readString(at("a/b")));
    assertEquals("file now", readString(at("c")));
    assertTrue(Files.isDirectory(at("d"), java.nio.file.LinkOption.NOFOLLOW_LINKS));
  }

  @Test
  void deletions_areMarkedOrDone() throws Exception {
    byte[] lower =
        Archives.layer()
            .file("gone", "")
            .file("dir/a", "a")
            .file("dir/b", "b")
            .file("whole/x", "")
            .file("dir2/old", "")
            .tar();
    byte[] upper =
        Archives.layer()
            .file(".wh.gone", "")
            .file("dir/new", "n")
            .file("dir/.wh..wh..opq", "")
            .file(".wh.whole", "")
            .file("whole/y", "again")
            .file(".wh..wh.aufs", "")
            .file("dir2/.wh.never-there", "")
            .device("dir2/old", TarEntry.Type.CHARACTER_DEVICE, 0, 0)
            .tar();
    apply(lower, "merged", false);
    apply(upper, "merged", false);
    assertEquals(
        List.of("dir", "dir/new", "dir2", "whole", "whole/y"),
        List.copyOf(tree(folder.resolve("merged")).keySet()));
    apply(upper, "u", true);
    try (RootedFiles files =
        RootedFiles.open(folder.resolve("u"), RootedFiles.Confinement.IN_ROOT)) {
      assertTrue(Whiteouts.isWhiteout(files.status("gone")));
      assertTrue(Whiteouts.isOpaque(files, "dir"));
      assertTrue(Whiteouts.isOpaque(files, "whole"));
      assertTrue(Whiteouts.isWhiteout(files.status("dir2/old")));
      assertFalse(exists(folder.resolve("u").resolve(".wh..wh.aufs")));
    }
  }

  @Test
  void overlayAttributes_areNotTakenFromAnArchive() throws Exception {
    apply(
        Archives.layer()
            .entry(
                new TarEntry(
                    "d",
                    TarEntry.Type.DIRECTORY,
                    0755,
                    0,
                    0,
                    0,
                    new FileTimestamp(0, 0),
                    "",
                    0,
                    0,
                    Map.of(
                        "trusted.overlay.redirect",
                        new byte[] {'/'},
                        "trusted.mine",
                        new byte[] {1})))
            .tar());
    try (RootedFiles files =
        RootedFiles.open(folder.resolve("l"), RootedFiles.Confinement.IN_ROOT)) {
      assertEquals(List.of("trusted.mine"), files.attributes("d"));
    }
  }

  // case I6
  @Test
  void attributesOfUsersOnWhatCannotHaveThem_areLeftOut() throws Exception {
    Archives.Layer layer = Archives.layer();
    for (TarEntry.Type type :
        List.of(
            TarEntry.Type.SYMBOLIC_LINK,
            TarEntry.Type.FIFO,
            TarEntry.Type.CHARACTER_DEVICE,
            TarEntry.Type.FILE)) {
      layer.entry(
          new TarEntry(
              type.name(),
              type,
              0644,
              0,
              0,
              0,
              new FileTimestamp(1, 0),
              type == TarEntry.Type.SYMBOLIC_LINK ? "to" : "",
              1,
              3,
              Map.of("user.k", new byte[] {1}, "trusted.k", new byte[] {2})));
    }
    apply(layer.tar());
    try (RootedFiles files =
        RootedFiles.open(folder.resolve("l"), RootedFiles.Confinement.IN_ROOT)) {
      assertEquals(List.of("trusted.k"), files.attributes("SYMBOLIC_LINK"));
      assertEquals(List.of("trusted.k"), files.attributes("FIFO"));
      assertEquals(List.of("trusted.k"), files.attributes("CHARACTER_DEVICE"));
      assertEquals(
          List.of("trusted.k", "user.k"), files.attributes("FILE").stream().sorted().toList());
    }
  }

  // case I7
  @Test
  void sparseFiles_keepTheirHolesAndCountWithThem() throws Exception {
    Path holes = folder.resolve("holes");
    try (RandomAccessFile file = new RandomAccessFile(holes.toFile(), "rw")) {
      file.seek(1 << 20);
      file.write("in the middle".getBytes(StandardCharsets.US_ASCII));
      file.setLength(300 << 20);
    }
    Path tar = folder.resolve("holes.tar");
    Process packer =
        new ProcessBuilder("tar", "-C", folder.toString(), "-S", "-cf", tar.toString(), "holes")
            .inheritIO()
            .start();
    assertEquals(0, packer.waitFor());
    byte[] layer = Files.readAllBytes(tar);
    apply(layer);
    assertEquals(-1, Files.mismatch(holes, at("holes")));
    assertTrue(FileStatus.of(at("holes")).blocks() * 512 < 1 << 20);
    var small = new LayerApplier(new LayerLimits(10, 200 << 20, 0));
    Path again = Files.createDirectory(folder.resolve("again"));
    try (RootedFiles files = RootedFiles.open(again, RootedFiles.Confinement.IN_ROOT)) {
      assertThrows(
          BerthException.ResourceExhausted.class,
          () -> small.apply(ByteSource.of(layer), files, true));
    }
  }

  @Test
  void limits_areKept() throws Exception {
    byte[] many = Archives.layer().file("a", "").file("b", "").file("c", "").tar();
    var entries = new LayerApplier(new LayerLimits(2, 1 << 20, 100));
    Files.createDirectory(folder.resolve("l"));
    try (RootedFiles files =
        RootedFiles.open(folder.resolve("l"), RootedFiles.Confinement.IN_ROOT)) {
      assertThrows(
          BerthException.ResourceExhausted.class,
          () -> entries.apply(ByteSource.of(many), files, true));
      byte[] bomb = Archives.gzip(Archives.layer().file("zeros", 0644, new byte[80 << 20]).tar());
      var ratio = new LayerApplier(new LayerLimits(10, 1L << 40, 100));
      var e =
          assertThrows(
              BerthException.ResourceExhausted.class,
              () -> ratio.apply(ByteSource.of(bomb), files, true));
      assertTrue(e.getMessage().contains("grows more than 100 times"), e.getMessage());
    }
  }

  /**
   * Directories that no layer lists get the right attributes, in whichever order layers are
   * applied.
   */
  @Test
  void implicitDirectories_takeTheirAttributesFromBelow() throws Exception {
    byte[] lower =
        Archives.layer()
            .directory("priv/", 0700, 1000)
            .directory("tmp/", 01777, 0)
            .directory("deep/", 0750, 5)
            .directory("deep/er/", 0711, 6)
            .link("lib", TarEntry.Type.SYMBOLIC_LINK, "usr/lib")
            .directory("usr/lib/", 0755, 0)
            .directory("hidden/", 0700, 9)
            .tar();
    byte[] upper =
        Archives.layer()
            .file("priv/new", "")
            .file("tmp/x", "")
            .file("deep/er/.wh..wh..opq", "")
            .file("lib/b", "")
            .file(".wh.hidden", "")
            .file("hidden/again", "")
            .tar();
    // The upper layer is applied first.
    AppliedLayer applied = apply(upper, "u", true);
    apply(lower, "l", true);
    try (RootedFiles up = RootedFiles.open(folder.resolve("u"), RootedFiles.Confinement.IN_ROOT);
        RootedFiles low = RootedFiles.open(folder.resolve("l"), RootedFiles.Confinement.IN_ROOT)) {
      ImplicitDirectories.settle(up, List.of(low), applied);
      assertEquals(0700, up.status("priv").permissions());
      assertEquals(1000, up.status("priv").uid());
      assertEquals(1_600_000_000, up.status("priv").modified().seconds());
      assertEquals(01777, up.status("tmp").permissions());
      assertEquals(0750, up.status("deep").permissions());
      assertEquals(0711, up.status("deep/er").permissions());
      assertTrue(Whiteouts.isOpaque(up, "deep/er"));
      assertTrue(up.status("lib").isDirectory());
      assertEquals(0755, up.status("lib").permissions());
      assertEquals(0755, up.status("hidden").permissions());
    }
    // The tree of the snapshotter that copies is the same, as far as it is visible.
    apply(lower, "c", false);
    apply(upper, "c", false);
    Map<String, FileStatus> copied = tree(folder.resolve("c"));
    assertEquals(0700, Objects.requireNonNull(copied.get("priv")).permissions());
    assertTrue(Objects.requireNonNull(copied.get("lib")).isDirectory());
    assertFalse(copied.containsKey("usr/lib/b"));
    assertEquals(0755, Objects.requireNonNull(copied.get("hidden")).permissions());
  }

  private static Map<String, FileStatus> tree(Path root) throws IOException {
    Map<String, FileStatus> result = new TreeMap<>();
    try (var walk = Files.walk(root)) {
      for (Path path : new ArrayList<>(walk.toList())) {
        if (!path.equals(root)) {
          result.put(root.relativize(path).toString(), FileStatus.ofLink(path));
        }
      }
    }
    return result;
  }
}
