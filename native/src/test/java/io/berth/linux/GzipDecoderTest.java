package io.berth.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class GzipDecoderTest {
  /** The decoders that are there; each test runs with all of them. */
  enum Kind {
    ISAL,
    JDK;

    GzipDecoder create() {
      assumeTrue(this == JDK || IsalGzipDecoder.isUsable(), "libisal is not installed");
      return switch (this) {
        case ISAL -> new IsalGzipDecoder();
        case JDK -> new JdkGzipDecoder();
      };
    }
  }

  @ParameterizedTest
  @EnumSource
  void whatWasCompressedComesBack_howeverItIsCut(Kind kind) throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < 30; round++) {
      byte[] content = content(random, random.nextInt(300_000));
      byte[] packed = gzip(content);
      assertArrayEquals(content, decode(kind, packed, random), "seed " + seed + ", round " + round);
    }
  }

  @ParameterizedTest
  @EnumSource
  void membersOneAfterAnotherAreOneStream_andZerosMayFollow(Kind kind) throws Exception {
    Random random = new Random(7);
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    for (int i = 0; i < 20; i++) {
      byte[] part = content(random, i == 3 ? 0 : random.nextInt(5000));
      content.writeBytes(part);
      packed.writeBytes(gzip(part));
    }
    packed.writeBytes(new byte[700]);
    for (int round = 0; round < 20; round++) {
      assertArrayEquals(
          content.toByteArray(), decode(kind, packed.toByteArray(), random), "round " + round);
    }
  }

  @ParameterizedTest
  @EnumSource
  void everyKindOfHeaderIsRead(Kind kind) throws Exception {
    byte[] content = "with a long header".getBytes(StandardCharsets.UTF_8);
    byte[] plain = gzip(content);
    for (int flags = 0; flags < 32; flags += 2) {
      ByteArrayOutputStream packed = new ByteArrayOutputStream();
      byte[] start = {0x1f, (byte) 0x8b, 8, (byte) flags, 0, 0, 0, 0, 0, 3};
      packed.writeBytes(start);
      if ((flags & 4) != 0) {
        packed.writeBytes(new byte[] {5, 0, 1, 2, 3, 4, 5});
      }
      if ((flags & 8) != 0) {
        packed.writeBytes("name\0".getBytes(StandardCharsets.UTF_8));
      }
      if ((flags & 16) != 0) {
        packed.writeBytes("comment\0".getBytes(StandardCharsets.UTF_8));
      }
      if ((flags & 2) != 0) {
        CRC32 crc = new CRC32();
        crc.update(packed.toByteArray());
        packed.writeBytes(new byte[] {(byte) crc.getValue(), (byte) (crc.getValue() >>> 8)});
      }
      packed.write(plain, 10, plain.length - 10);
      byte[] whole = packed.toByteArray();
      assertArrayEquals(content, decode(kind, whole, new Random(flags)), "flags " + flags);
    }
  }

  @ParameterizedTest
  @EnumSource
  void damageIsFound(Kind kind) throws Exception {
    byte[] content = content(new Random(1), 20_000);
    byte[] packed = gzip(content);
    int undetected = 0;
    Random random = new Random(2);
    for (int round = 0; round < 200; round++) {
      byte[] damaged = packed.clone();
      int at = 10 + random.nextInt(packed.length - 10);
      damaged[at] ^= (byte) (1 << random.nextInt(8));
      try {
        decode(kind, damaged, random);
        undetected++;
      } catch (IOException expected) {
        assertTrue(
            String.valueOf(expected.getMessage()).startsWith("gzip stream is"), expected::toString);
      }
    }
    assertEquals(0, undetected);
    assertThrows(IOException.class, () -> decode(kind, new byte[] {1, 2, 3, 4}, random));
    byte[] garbageBehind = Arrays.copyOf(packed, packed.length + 12);
    garbageBehind[packed.length] = 'x';
    assertThrows(IOException.class, () -> decode(kind, garbageBehind, random));
  }

  @ParameterizedTest
  @EnumSource
  void anEndInTheMiddle_isNotComplete(Kind kind) throws Exception {
    byte[] packed = gzip(content(new Random(3), 5000));
    try (GzipDecoder decoder = kind.create();
        Arena arena = Arena.ofConfined()) {
      assertFalse(decoder.isComplete());
      MemorySegment in = arena.allocateFrom(ValueLayout.JAVA_BYTE, packed);
      MemorySegment out = arena.allocate(8192);
      GzipDecoder.Progress most = decoder.decode(in.asSlice(0, packed.length - 1), out);
      assertEquals(5000, most.produced());
      assertFalse(decoder.isComplete());
      decoder.decode(in.asSlice(most.consumed()), out.asSlice(5000));
      assertTrue(decoder.isComplete());
    }
  }

  /** Decodes in pieces of random size and checks that no more is said to be used than was there. */
  private static byte[] decode(Kind kind, byte[] packed, Random random) throws IOException {
    ByteArrayOutputStream result = new ByteArrayOutputStream();
    try (GzipDecoder decoder = kind.create();
        Arena arena = Arena.ofConfined()) {
      MemorySegment in = arena.allocateFrom(ValueLayout.JAVA_BYTE, packed);
      MemorySegment out = arena.allocate(70_000);
      long at = 0;
      boolean full = false;
      while (at < packed.length || full) {
        long some = Math.min(packed.length - at, 1 + random.nextInt(20_000));
        MemorySegment space = out.asSlice(0, 1 + random.nextInt(70_000));
        GzipDecoder.Progress progress = decoder.decode(in.asSlice(at, some), space);
        assertTrue(progress.consumed() <= some && progress.produced() <= space.byteSize());
        at += progress.consumed();
        result.writeBytes(space.asSlice(0, progress.produced()).toArray(ValueLayout.JAVA_BYTE));
        full = progress.produced() == space.byteSize();
      }
      if (!decoder.isComplete()) {
        throw new IOException("gzip stream is cut");
      }
    }
    return result.toByteArray();
  }

  private static byte[] content(Random random, int length) {
    byte[] content = new byte[length];
    int at = 0;
    while (at < length) {
      int run = Math.min(length - at, 1 + random.nextInt(2000));
      if (random.nextBoolean()) {
        Arrays.fill(content, at, at + run, (byte) random.nextInt());
      } else {
        for (int i = 0; i < run; i++) {
          content[at + i] = (byte) random.nextInt(random.nextBoolean() ? 256 : 4);
        }
      }
      at += run;
    }
    return content;
  }

  private static byte[] gzip(byte[] content) throws IOException {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (GZIPOutputStream out =
        new GZIPOutputStream(packed) {
          {
            def.setLevel(Deflater.BEST_SPEED);
          }
        }) {
      out.write(content);
    }
    return packed.toByteArray();
  }
}
