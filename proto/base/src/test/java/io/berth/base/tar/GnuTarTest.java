package io.berth.base.tar;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.linux.FileTimestamp;
import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** GNU tar reads what is written here, and what it writes is read here. */
final class GnuTarTest {
  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path folder;

  private String tar(String... words) throws Exception {
    List<String> command = new ArrayList<>(List.of("tar", "-C", folder.toString()));
    command.addAll(List.of(words));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().putAll(Map.of("TZ", "UTC", "LC_ALL", "C"));
    Path out = folder.resolve("out");
    Process process = builder.redirectErrorStream(true).redirectOutput(out.toFile()).start();
    assertEquals(true, process.waitFor(60, TimeUnit.SECONDS));
    String text = Files.readString(out);
    assertEquals(0, process.exitValue(), text);
    return text;
  }

  private List<TarListing.Member> packed(String name, String... options) throws Exception {
    List<String> words = new ArrayList<>(List.of("-cf", folder.resolve("a.tar").toString()));
    words.addAll(List.of(options));
    words.add(name);
    tar(words.toArray(String[]::new));
    return TarListing.of(Files.readAllBytes(folder.resolve("a.tar")), 999);
  }

  private Path file(String name, byte[] content) throws IOException {
    Path path = folder.resolve(name);
    Files.createDirectories(path.getParent());
    return Files.write(path, content);
  }

  @Test
  void readsWhatIsWrittenHere() throws Exception {
    Path archive = folder.resolve("a.tar");
    try (OutputStream out = Files.newOutputStream(archive)) {
      TarWriter writer = new TarWriter(out);
      writer.file(
          TarEntry.file("a/" + "n".repeat(200), 0640, 700, new FileTimestamp(5, 500_000_000)),
          new byte[700]);
      writer.entry(
          new TarEntry(
              "s",
              TarEntry.Type.SYMBOLIC_LINK,
              0777,
              5,
              3_000_000,
              0,
              new FileTimestamp(9, 250_000_000),
              "z".repeat(101),
              0,
              0,
              Map.of()));
      writer.finish();
    }
    String listed =
        tar("--full-time", "--numeric-owner", "--warning=no-timestamp", "-tvf", archive.toString());
    assertEquals(
        "-rw-r----- 0/0 700 1970-01-01 00:00:05.5 a/"
            + "n".repeat(200)
            + "\nlrwxrwxrwx 5/3000000 0 1970-01-01 00:00:09.25 s -> "
            + "z".repeat(101)
            + "\n",
        listed.replaceAll(" +", " "));
  }

  @ParameterizedTest
  @ValueSource(strings = {"gnu", "pax"})
  void writesWhatIsReadHere(String format) throws Exception {
    String name = "d/" + "n".repeat(180);
    byte[] content = {1, 2, 3, 4, 5};
    Files.setLastModifiedTime(file(name, content), FileTime.fromMillis(-1000));
    TarListing.Member member =
        packed(name, "--format=" + format, "--owner=:1000", "--group=:3000000").getFirst();
    assertEquals(name, member.entry().name());
    assertEquals(1000, member.entry().uid());
    assertEquals(3_000_000, member.entry().gid());
    assertEquals(-1, member.entry().modified().seconds());
    assertArrayEquals(content, member.content());
  }

  // case I7
  @ParameterizedTest
  @ValueSource(
      strings = {
        "--format=gnu",
        "--format=pax --sparse-version=0.0",
        "--format=pax --sparse-version=0.1",
        "--format=pax --sparse-version=1.0"
      })
  void readsSparseFiles(String options) throws Exception {
    // The parts are more than one header has room for, and the file ends with a hole.
    byte[] expected = new byte[3 << 20];
    try (RandomAccessFile file = new RandomAccessFile(folder.resolve("holes").toFile(), "rw")) {
      for (int at = 64 << 10; at < 2 << 20; at += 64 << 10) {
        byte[] part = ("part at " + at).repeat(40).getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(part, 0, expected, at, part.length);
        file.seek(at);
        file.write(part);
      }
      file.setLength(expected.length);
    }
    Files.write(folder.resolve("after"), new byte[] {1, 2, 3});
    List<String> words = new ArrayList<>(List.of("--sparse", "--hole-detection=raw"));
    words.addAll(List.of(options.split(" ")));
    words.add("after");
    List<TarListing.Member> members = packed("holes", words.toArray(String[]::new));
    TarListing.Member after = members.get(0);
    TarListing.Member holes = members.get(1);
    assertArrayEquals(new byte[] {1, 2, 3}, after.content());
    assertEquals("holes", holes.entry().name());
    assertEquals(expected.length, holes.entry().size());
    assertArrayEquals(expected, holes.content());
    assertTrue(Files.size(folder.resolve("a.tar")) < expected.length / 2);
  }
}
