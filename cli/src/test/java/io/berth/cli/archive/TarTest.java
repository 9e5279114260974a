package io.berth.cli.archive;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.base.error.BerthException;
import io.berth.base.tar.TarEntry;
import io.berth.base.tar.TarWriter;
import io.berth.linux.FileTimestamp;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
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
    try (TarSource tar = new TarSource(source, "named")) {
      assertEquals(List.of(), new TarExtraction(target, "other").read(tar));
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
    try (TarSource tar = new TarSource(source, "source")) {
      var _ = new TarExtraction(target, "").read(tar);
    }
    assertEquals("1", Files.readString(target.resolve("a")));
  }

  @Test
  void anEntryThatLeadsUpwards() throws IOException {
    Path target = made("target");
    for (String name : List.of("x/../../out", "../out", "x/..")) {
      assertThrows(
          BerthException.InvalidArgument.class,
          () ->
              new TarExtraction(target, "x")
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
            new TarExtraction(target, "")
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
        new TarExtraction(target, "")
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
            new TarExtraction(target, "")
                .read(archive(entry("x/stolen", TarEntry.Type.HARD_LINK, "x/../../precious", ""))));
    assertFalse(Files.exists(target.resolve("stolen"), LinkOption.NOFOLLOW_LINKS));
  }

  @Test
  void devicesAreLeftOut() throws IOException {
    Path target = made("target");
    assertEquals(
        List.of("x/null"),
        new TarExtraction(target, "")
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
        () -> new TarExtraction(target, "").read(new ByteArrayInputStream(cut)));
    Random random = new Random(5);
    for (int i = 0; i < 300; i++) {
      byte[] noise = entry("x/a", TarEntry.Type.FILE, "", "content");
      for (int k = 0; k < 4; k++) {
        noise[random.nextInt(noise.length)] = (byte) random.nextInt();
      }
      try {
        var _ = new TarExtraction(target, "").read(archive(noise));
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
