package io.berth.image.codec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorOutputStream;
import org.apache.commons.compress.compressors.xz.XZCompressorOutputStream;
import org.junit.jupiter.api.Test;

// case I8
final class OtherPackingsTest {
  private interface Packer {
    OutputStream into(OutputStream out) throws IOException;
  }

  private static final List<Packer> PACKERS =
      List.of(XZCompressorOutputStream::new, BZip2CompressorOutputStream::new);

  private static byte[] packed(byte[] bytes, Packer packer) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    try (OutputStream out = packer.into(all)) {
      out.write(bytes);
    }
    return all.toByteArray();
  }

  private static byte[] readable(byte[] archive) throws IOException {
    ByteSource source = OtherPackings.readable("load archive", ByteSource.of(archive));
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment room = arena.allocate(1000);
      for (int count = source.read(room); count >= 0; count = source.read(room)) {
        all.writeBytes(room.asSlice(0, count).toArray(ValueLayout.JAVA_BYTE));
      }
    }
    return all.toByteArray();
  }

  private static byte[] content() {
    byte[] content = new byte[300_000];
    new Random(3).nextBytes(content);
    return content;
  }

  @Test
  void xzAndBzip2_areUnpacked() throws IOException {
    byte[] content = content();
    for (Packer packer : PACKERS) {
      byte[] once = packed(content, packer);
      assertArrayEquals(content, readable(once));
      byte[] twice = Arrays.copyOf(once, 2 * once.length);
      System.arraycopy(once, 0, twice, once.length, once.length);
      assertEquals(600_000, readable(twice).length);
    }
  }

  @Test
  void damagedOnes_areRefused() throws IOException {
    for (Packer packer : PACKERS) {
      byte[] archive = packed(content(), packer);
      byte[] cut = Arrays.copyOf(archive, archive.length - 100);
      var e = assertThrows(BerthException.InvalidArgument.class, () -> readable(cut));
      assertTrue(e.getMessage().startsWith("load archive: its "), e.getMessage());
      Random random = new Random(4);
      for (int i = 0; i < 30; i++) {
        byte[] mutant = archive.clone();
        mutant[100 + random.nextInt(mutant.length - 200)] ^= (byte) (1 + random.nextInt(255));
        assertThrows(BerthException.InvalidArgument.class, () -> readable(mutant));
      }
    }
  }

  @Test
  void plainOnesAndThoseOfTheDecoder_passAsTheyAre() throws IOException {
    byte[] tar = new byte[1024];
    System.arraycopy("BZh-notes.txt".getBytes(StandardCharsets.US_ASCII), 0, tar, 0, 13);
    System.arraycopy("ustar".getBytes(StandardCharsets.US_ASCII), 0, tar, 257, 5);
    for (byte[] bytes : new byte[][] {{}, {1}, {0x1f, (byte) 0x8b, 8, 0}, content(), tar}) {
      assertArrayEquals(bytes, readable(bytes));
    }
  }

  @Test
  void othersAreNamed() {
    Map<String, String> others =
        Map.of(
            "lz4", "\u0004\"M\u0018xx",
            "compress", "\u001f\u009dxx",
            "7z", "7z\u00bc\u00af'\u001cxx",
            "zip", "PK\u0003\u0004xx");
    others.forEach((name, start) -> {
      byte[] archive = start.getBytes(StandardCharsets.ISO_8859_1);
      var e = assertThrows(BerthException.InvalidArgument.class, () -> readable(archive));
      assertEquals(
          "load archive: it is packed by "
              + name
              + ", which is not read; pack it by gzip, zstd, xz or bzip2, or not at all",
          e.getMessage());
    });
  }
}
