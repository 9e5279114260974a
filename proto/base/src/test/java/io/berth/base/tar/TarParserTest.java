package io.berth.base.tar;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import io.berth.linux.FileTimestamp;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class TarParserTest {
  private static final FileTimestamp TIME = new FileTimestamp(1_600_000_000, 0);

  private static byte[] archive(TarEntry... entries) throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    TarWriter writer = new TarWriter(out);
    for (TarEntry entry : entries) {
      writer.file(entry, "x".repeat((int) entry.size()).getBytes(StandardCharsets.UTF_8));
    }
    writer.finish();
    return out.toByteArray();
  }

  private static TarEntry full(String name, TarEntry.Type type, String link) {
    return new TarEntry(
        name, type, 0, 5, 6, 0, new FileTimestamp(-3, 250_000_000), link, 1, 3, Map.of());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 511, 512, 513, 100_000})
  void push_anyChunkSizeGivesTheSameEntries(int chunk) throws Exception {
    TarEntry[] entries = {
      TarEntry.directory("./", 01777, TIME),
      TarEntry.file("./a", 04755, 1000, new FileTimestamp(1_600_000_000, 123_456_789)),
      TarEntry.file("empty", 0644, 0, TIME),
      TarEntry.file("n".repeat(300) + "/\u00e9", 0644, 512, TIME),
      TarEntry.file("bad\udcffname", 0644, 3, TIME),
      full("link", TarEntry.Type.SYMBOLIC_LINK, "t".repeat(150)),
      full("hard", TarEntry.Type.HARD_LINK, "./a"),
      full("dev", TarEntry.Type.CHARACTER_DEVICE, ""),
      full("fifo", TarEntry.Type.FIFO, ""),
    };
    List<TarListing.Member> members = TarListing.of(archive(entries), chunk);
    assertEquals(Arrays.asList(entries), members.stream().map(TarListing.Member::entry).toList());
    assertEquals(1000, members.get(1).content().length);
  }

  @Test
  void attributesAndLargeIdsTravelInPaxRecords() throws Exception {
    byte[] value = {0, 10, '=', (byte) 200};
    TarEntry entry =
        new TarEntry(
            "f",
            TarEntry.Type.FILE,
            0644,
            -100,
            3_000_000,
            0,
            TIME,
            "",
            0,
            0,
            Map.of("security.capability", value));
    TarEntry read = TarListing.of(archive(entry), 512).getFirst().entry();
    assertArrayEquals(value, read.attributes().get("security.capability"));
    assertEquals(-100, read.uid());
    assertEquals(3_000_000, read.gid());
  }

  @Test
  void archiveCutAnywhere_isRefused() throws Exception {
    byte[] archive = archive(TarEntry.file("n".repeat(200), 0644, 600, TIME));
    int entryEnd = archive.length - 1024;
    for (int cut = 1; cut < entryEnd; cut++) {
      byte[] part = Arrays.copyOf(archive, cut);
      var e =
          assertThrows(
              BerthException.InvalidArgument.class,
              () -> TarListing.of(part, 4096),
              "cut at " + cut);
      assertEquals(
          "read archive near byte " + cut + ": it ends in the middle of an entry; it was cut off",
          e.getMessage());
    }
    assertEquals(1, TarListing.of(Arrays.copyOf(archive, entryEnd), 4096).size());
  }

  @Test
  void whatFollowsTheEndMark_isIgnored() throws Exception {
    byte[] archive = archive(TarEntry.file("a", 0644, 0, TIME));
    byte[] longer = Arrays.copyOf(archive, archive.length + 10_000);
    Arrays.fill(longer, archive.length, longer.length, (byte) 'j');
    assertEquals(1, TarListing.of(longer, 777).size());
  }

  @Test
  void unknownKinds_areRefusedByName() throws Exception {
    byte[] archive = archive(TarEntry.file("disk.img", 0644, 0, TIME));
    retype(archive, 'Q');
    var unknown =
        assertThrows(BerthException.InvalidArgument.class, () -> TarListing.of(archive, 512));
    assertEquals(
        "read archive near byte 0: `disk.img` is of an unknown kind (type flag `Q`)",
        unknown.getMessage());
  }

  // case I7
  @Test
  void sparseMapsThatDoNotFit_areRefused() throws Exception {
    for (String[] records :
        new String[][] {
          {"size", "9", "map", "0,3"},
          {"size", "9", "map", "0,4,3,2"},
          {"size", "9", "map", "4,2,0,3"},
          {"size", "4", "map", "0,5"},
          {"size", "9", "map", "0,4"},
          {"size", "9", "map", "0"},
          {"size", "9", "map", "0,x"},
          {"size", "9", "map", "0,-5"},
          {"size", "9223372036854775807", "map", "0,5"},
          {"size", "99999999999999999999", "map", "0,5"},
          {"size", "9", "numblocks", "1", "offset", "0"},
          {"size", "9", "major", "1", "minor", "0"},
          {"size", "9", "major", "2", "minor", "0"},
          {"size", "9", "name", "a\0b", "map", "0,5"},
        }) {
      byte[] archive = sparse("12345", records);
      var e = assertThrows(BerthException.InvalidArgument.class, () -> TarListing.of(archive, 99));
      assertTrue(e.getMessage().startsWith("read archive near byte "), e.getMessage());
    }
    assertEquals(
        "12345\0\0\0\0",
        new String(
            TarListing.of(sparse("12345", "size", "9", "map", "0,5"), 99).getFirst().content(),
            StandardCharsets.ISO_8859_1));
  }

  private static byte[] sparse(String content, String... records) throws Exception {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    for (int i = 0; i < records.length; i += 2) {
      String rest = " GNU.sparse." + records[i] + "=" + records[i + 1] + "\n";
      text.writeBytes(((rest.length() + 2) + rest).getBytes(StandardCharsets.ISO_8859_1));
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    TarWriter writer = new TarWriter(out);
    writer.file(TarEntry.file("PaxHeaders/f", 0644, text.size(), TIME), text.toByteArray());
    byte[] headers = out.toByteArray();
    retype(headers, 'x');
    out.reset();
    out.writeBytes(headers);
    writer.file(
        TarEntry.file("f", 0644, content.length(), TIME),
        content.getBytes(StandardCharsets.ISO_8859_1));
    writer.finish();
    return out.toByteArray();
  }

  private static void retype(byte[] archive, char type) {
    archive[156] = (byte) type;
    Arrays.fill(archive, 148, 156, (byte) ' ');
    int sum = 0;
    for (int i = 0; i < 512; i++) {
      sum += archive[i] & 0xff;
    }
    byte[] text = String.format("%06o\0 ", sum).getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(text, 0, archive, 148, 8);
  }

  @Test
  void mutatedArchives_areReadOrRefused_withoutAnyOtherFailure() throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    byte[] archive =
        archive(
            TarEntry.file("n".repeat(120), 0644, 700, new FileTimestamp(1, 5)),
            full("s", TarEntry.Type.SYMBOLIC_LINK, "t"),
            TarEntry.directory("d/", 0755, TIME));
    for (int i = 0; i < 20_000; i++) {
      byte[] mutant = archive.clone();
      for (int n = random.nextInt(4); n >= 0; n--) {
        mutant[random.nextInt(mutant.length)] = (byte) random.nextInt(256);
      }
      fixChecksums(mutant);
      try {
        TarListing.of(mutant, 1 + random.nextInt(2000));
      } catch (BerthException.InvalidArgument refused) {
        assertTrue(
            refused.getMessage().startsWith("read archive near byte "),
            () -> "seed " + seed + ": " + refused.getMessage());
      } catch (Throwable other) {
        throw new AssertionError("seed " + seed + ", mutant " + i, other);
      }
    }
  }

  // The checksum is made right, for otherwise nearly every mutant would be refused for it alone.
  private static void fixChecksums(byte[] archive) {
    for (int at = 0; at + 512 <= archive.length; at += 512) {
      byte[] block = Arrays.copyOfRange(archive, at, at + 512);
      if (block[257] == 'u' && block[258] == 's') {
        retype(block, (char) (block[156] & 0xff));
        System.arraycopy(block, 0, archive, at, 512);
      }
    }
  }
}
