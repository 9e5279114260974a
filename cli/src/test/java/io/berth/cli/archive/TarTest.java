package io.berth.cli.archive;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.base.error.BerthException;
import io.berth.base.tar.TarEntry;
import io.berth.base.tar.TarWriter;
import io.berth.linux.Fd;
import io.berth.linux.FileStatus;
import io.berth.linux.FileTimestamp;
import io.berth.linux.OpenFlags;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A tree that goes through a tar is the same; a hostile tar writes nowhere else. */
final class TarTest {
  private static final FileTimestamp TIME = new FileTimestamp(1, 0);

  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path folder;

  private Path made(String name) throws IOException {
    return Files.createDirectories(folder.resolve(name));
  }

  private static byte[] entry(String name, TarEntry.Type type, String link, String content)
      throws IOException {
    byte[] body = content.getBytes(StandardCharsets.UTF_8);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    new TarWriter(out)
        .file(new TarEntry(name, type, 0644, 0, 0, body.length, TIME, link, 0, 0, Map.of()), body);
    return out.toByteArray();
  }

  private static InputStream archive(byte[]... entries) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] entry : entries) {
      out.writeBytes(entry);
    }
    out.writeBytes(new byte[2 * 512]);
    return new ByteArrayInputStream(out.toByteArray());
  }

  @Test
  void aTreeComesBackAsItWas() throws IOException {
    Path source = made("source");
    byte[] bytes = new byte[1_234_567];
    new Random(1).nextBytes(bytes);
    Files.write(source.resolve("big"), bytes);
    Files.writeString(source.resolve("empty"), "");
    String longName = "n".repeat(150) + "é";
    Files.createDirectories(source.resolve("sub").resolve(longName));
    Files.writeString(source.resolve("sub").resolve(longName).resolve("deep"), "x");
    Files.createSymbolicLink(source.resolve("link"), Path.of("../" + "t".repeat(120)));
    Files.setPosixFilePermissions(
        source.resolve("big"), PosixFilePermissions.fromString("rwxr-x--x"));
    Path target = made("target");
    try (TarSource tar = new TarSource(source, "named", false)) {
      assertEquals(List.of(), new TarExtraction(target, "other", false).read(tar));
    }
    Path copy = target.resolve("other");
    assertArrayEquals(bytes, Files.readAllBytes(copy.resolve("big")));
    assertEquals("x", Files.readString(copy.resolve("sub").resolve(longName).resolve("deep")));
    assertEquals("../" + "t".repeat(120), Files.readSymbolicLink(copy.resolve("link")).toString());
    assertEquals(
        "rwxr-x--x",
        PosixFilePermissions.toString(Files.getPosixFilePermissions(copy.resolve("big"))));
    assertEquals(0, Files.size(copy.resolve("empty")));
  }

  @Test
  void theContentOfAFolderOnly() throws IOException {
    Path source = made("source");
    Files.writeString(source.resolve("a"), "1");
    Path target = made("target");
    try (TarSource tar = new TarSource(source, "source", false)) {
      var _ = new TarExtraction(target, "", false).read(tar);
    }
    assertEquals("1", Files.readString(target.resolve("a")));
  }

  /** Case L24: modes keep their upper bits, and owners are kept where that is asked for. */
  @Test
  void modesAndOwners() throws IOException {
    Path source = made("source");
    Path program = Files.writeString(source.resolve("program"), "x");
    try (Fd fd = Fd.open(program, OpenFlags.O_RDONLY)) {
      fd.changeOwner(1234, 2345);
      fd.changeMode(06755);
    }
    for (boolean owners : new boolean[] {false, true}) {
      Path target = made("target" + owners);
      try (TarSource tar = new TarSource(source, "source", owners)) {
        assertEquals(List.of(), new TarExtraction(target, "", owners).read(tar));
      }
      FileStatus copy = FileStatus.of(target.resolve("program"));
      assertEquals(06755, copy.permissions());
      assertEquals(owners ? 1234 : 0, copy.uid());
      assertEquals(owners ? 2345 : 0, copy.gid());
    }
  }

  // case L24
  @Test
  void fifosAreMade() throws IOException {
    Path target = made("target");
    assertEquals(
        List.of(),
        new TarExtraction(target, "", false)
            .read(archive(entry("x/fifo", TarEntry.Type.FIFO, "", ""))));
    assertEquals(OpenFlags.S_IFIFO | 0644, FileStatus.ofLink(target.resolve("fifo")).mode());
  }

  // case I7
  @Test
  void sparseFilesAreUnpacked() throws Exception {
    Path source = made("source");
    try (RandomAccessFile file = new RandomAccessFile(source.resolve("holes").toFile(), "rw")) {
      file.seek(1 << 20);
      file.write(1);
      file.setLength(3 << 20);
    }
    Process tar =
        new ProcessBuilder("tar", "-C", folder.toString(), "-S", "-cf", "-", "source").start();
    Path target = made("target");
    var _ = new TarExtraction(target, "", false).read(tar.getInputStream());
    assertEquals(0, tar.waitFor());
    assertEquals(-1, Files.mismatch(source.resolve("holes"), target.resolve("holes")));
    assertEquals(true, FileStatus.of(target.resolve("holes")).blocks() < 2048);
  }

  @Test
  void anEntryThatLeadsUpwards() throws IOException {
    Path target = made("target");
    for (String name : List.of("x/../../out", "../out", "x/..")) {
      assertThrows(
          BerthException.InvalidArgument.class,
          () ->
              new TarExtraction(target, "x", false)
                  .read(archive(entry(name, TarEntry.Type.FILE, "", "evil"))));
    }
    assertFalse(Files.exists(folder.resolve("out")));
  }

  @Test
  void anEntryThroughALink() throws IOException {
    Path target = made("target");
    assertThrows(
        IOException.class,
        () ->
            new TarExtraction(target, "", false)
                .read(
                    archive(
                        entry("x/way", TarEntry.Type.SYMBOLIC_LINK, folder.toString(), ""),
                        entry("x/way/out", TarEntry.Type.FILE, "", "evil"))));
    assertFalse(Files.exists(folder.resolve("out")));
  }

  @Test
  void aFileInPlaceOfALinkIsNotWrittenThroughIt() throws IOException {
    Path target = made("target");
    Files.writeString(folder.resolve("precious"), "kept");
    var _ =
        new TarExtraction(target, "", false)
            .read(
                archive(
                    entry("x/way", TarEntry.Type.SYMBOLIC_LINK, "../precious", ""),
                    entry("x/way", TarEntry.Type.FILE, "", "new")));
    assertEquals("kept", Files.readString(folder.resolve("precious")));
    assertFalse(Files.isSymbolicLink(target.resolve("way")));
  }

  @Test
  void aHardLinkToOutside() throws IOException {
    Path target = made("target");
    Files.writeString(folder.resolve("precious"), "kept");
    assertThrows(
        BerthException.InvalidArgument.class,
        () ->
            new TarExtraction(target, "", false)
                .read(archive(entry("x/stolen", TarEntry.Type.HARD_LINK, "x/../../precious", ""))));
    assertFalse(Files.exists(target.resolve("stolen"), LinkOption.NOFOLLOW_LINKS));
  }

  @Test
  void devicesAreLeftOut() throws IOException {
    Path target = made("target");
    assertEquals(
        List.of("x/null"),
        new TarExtraction(target, "", false)
            .read(
                archive(
                    entry("x/null", TarEntry.Type.CHARACTER_DEVICE, "", ""),
                    entry("x/a", TarEntry.Type.FILE, "", "1"))));
    assertEquals("1", Files.readString(target.resolve("a")));
  }

  @Test
  void damagedArchives() throws IOException {
    Path target = made("target");
    byte[] cut =
        java.util.Arrays.copyOf(entry("x/a", TarEntry.Type.FILE, "", "y".repeat(2000)), 1000);
    assertThrows(
        BerthException.InvalidArgument.class,
        () -> new TarExtraction(target, "", false).read(new ByteArrayInputStream(cut)));
    Random random = new Random(5);
    for (int i = 0; i < 300; i++) {
      byte[] noise = entry("x/a", TarEntry.Type.FILE, "", "content");
      for (int k = 0; k < 4; k++) {
        noise[random.nextInt(noise.length)] = (byte) random.nextInt();
      }
      try {
        var _ = new TarExtraction(target, "", false).read(archive(noise));
      } catch (IOException | BerthException refused) {
        // A refusal is right; what counts is that no file was made elsewhere.
        assertFalse(refused.toString().isEmpty());
      }
    }
    try (var all = Files.list(folder)) {
      assertEquals(List.of(target), all.toList());
    }
  }
}
