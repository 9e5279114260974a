package io.berth.image.codec;

import io.berth.base.error.BerthException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorInputStream;
import org.apache.commons.compress.compressors.xz.XZCompressorInputStream;
import org.jspecify.annotations.Nullable;

/**
 * Archives that people bring, and that are packed otherwise than layers are: xz and bzip2 are
 * unpacked, other packings are refused by their names. What {@link Decoder} reads, and what is not
 * packed, passes as it is.
 */
public final class OtherPackings {
  private static final int HEAD = 512;

  /**
   * The most memory that unpacking xz may take, which an archive says itself: what {@code xz -8}
   * needs fits, unless the heap is smaller.
   */
  private static final long MAX_MEMORY =
      Math.min(64L << 20, Runtime.getRuntime().maxMemory() * 3 / 8);

  private OtherPackings() {}

  /** The packings that have a name here, by their first bytes. */
  private enum Packing {
    XZ("xz", "\u00fd7zXZ\0"),
    BZIP2("bzip2", "BZh"),
    LZ4("lz4", "\u0004\"M\u0018"),
    LZIP("lzip", "LZIP"),
    LZMA("lzma", "]\0\0"),
    LZOP("lzop", "\u0089LZO\0"),
    COMPRESS("compress", "\u001f\u009d"),
    ZIP("zip", "PK\u0003\u0004"),
    SEVEN_ZIP("7z", "7z\u00bc\u00af'\u001c"),
    RAR("rar", "Rar!\u001a\u0007");

    private final String label;
    private final String magic;

    Packing(String label, String magic) {
      this.label = label;
      this.magic = magic;
    }

    private static @Nullable Packing of(byte[] head) {
      String start = new String(head, StandardCharsets.ISO_8859_1);
      // A plain archive whose first member is called so is none of them.
      if (start.startsWith("ustar", 257)) {
        return null;
      }
      for (Packing each : values()) {
        if (start.startsWith(each.magic)) {
          return each;
        }
      }
      return null;
    }
  }

  /**
   * The archive as {@link Decoder} can read it. Reads its beginning, and so may block.
   *
   * @param doing what is done, for the words of a refusal
   */
  public static ByteSource readable(String doing, ByteSource archive) throws IOException {
    byte[] head = new byte[HEAD];
    int length = 0;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment part = arena.allocate(HEAD);
      while (length < HEAD) {
        int count = archive.read(part.asSlice(0, HEAD - length));
        if (count < 0) {
          break;
        }
        MemorySegment.copy(part, ValueLayout.JAVA_BYTE, 0, head, length, count);
        length += count;
      }
    }
    head = Arrays.copyOf(head, length);
    ByteSource whole = joined(ByteSource.of(head), archive);
    Packing packing = Packing.of(head);
    return switch (packing) {
      case null -> whole;
      case XZ ->
          unpacked(
              doing,
              packing,
              whole,
              in ->
                  XZCompressorInputStream.builder()
                      .setInputStream(in)
                      .setDecompressConcatenated(true)
                      .setMemoryLimitKiB((int) (MAX_MEMORY >> 10))
                      .get());
      case BZIP2 -> unpacked(doing, packing, whole, in -> new BZip2CompressorInputStream(in, true));
      case LZ4, LZIP, LZMA, LZOP, COMPRESS, ZIP, SEVEN_ZIP, RAR ->
          throw new BerthException.InvalidArgument(
              doing
                  + ": it is packed by "
                  + packing.label
                  + ", which is not read; pack it by gzip, zstd, xz or bzip2, or not at all");
    };
  }

  private static ByteSource joined(ByteSource first, ByteSource second) {
    return into -> {
      int count = first.read(into);
      return count >= 0 ? count : second.read(into);
    };
  }

  /** Opens the library's stream, which reads the beginning at once. */
  private interface Opening {
    InputStream of(InputStream packed) throws IOException;
  }

  private static ByteSource unpacked(
      String doing, Packing packing, ByteSource packed, Opening opening) throws IOException {
    InputStream plain = calling(doing, packing, () -> opening.of(new SourceStream(packed)));
    byte[] buffer = new byte[64 << 10];
    return into -> {
      int count =
          calling(
              doing,
              packing,
              () -> plain.read(buffer, 0, (int) Math.min(buffer.length, into.byteSize())));
      if (count > 0) {
        MemorySegment.copy(buffer, 0, into, ValueLayout.JAVA_BYTE, 0, count);
      }
      return count;
    };
  }

  private interface Call<T> {
    T get() throws IOException;
  }

  private static <T> T calling(String doing, Packing packing, Call<T> call) throws IOException {
    try {
      return call.get();
    } catch (UncheckedIOException e) {
      // The bytes did not come; their origin says why.
      throw e.getCause();
    } catch (IOException | IllegalArgumentException | IndexOutOfBoundsException e) {
      throw new BerthException.InvalidArgument(
          doing + ": its " + packing.label + " cannot be unpacked (" + e.getMessage() + ")", e);
    }
  }

  /** Tells failures of the bytes' origin from those of the library by their type. */
  private static final class SourceStream extends InputStream {
    private final ByteSource from;
    private final MemorySegment room = Arena.ofAuto().allocate(64 << 10);
    private long at;
    private long end;

    SourceStream(ByteSource from) {
      this.from = from;
    }

    @Override
    public int read() {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) {
      if (length == 0) {
        return 0;
      }
      if (at == end) {
        try {
          int count = from.read(room);
          if (count < 0) {
            return -1;
          }
          at = 0;
          end = count;
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
      int part = (int) Math.min(length, end - at);
      MemorySegment.copy(room, ValueLayout.JAVA_BYTE, at, bytes, offset, part);
      at += part;
      return part;
    }
  }
}
