package io.berth.base.tar;

import io.berth.base.error.BerthException;
import io.berth.linux.FileNames;
import java.nio.charset.StandardCharsets;

/**
 * A header block (POSIX.1-2017, pax, ustar interchange format). Numbers are octal, or GNU's base
 * 256. Borrows its bytes.
 */
final class UstarHeader {
  private static final int NAME = 0;
  private static final int MODE = 100;
  private static final int UID = 108;
  private static final int GID = 116;
  private static final int SIZE = 124;
  private static final int MTIME = 136;
  private static final int CHECKSUM = 148;
  private static final int TYPE = 156;
  private static final int LINK = 157;
  private static final int MAGIC = 257;
  private static final int DEVICE_MAJOR = 329;
  private static final int DEVICE_MINOR = 337;
  private static final int PREFIX = 345;
  private static final int SPARSE = 386;
  private static final int SPARSE_PARTS = 4;
  private static final int EXTENDED = 482;
  private static final int REAL_SIZE = 483;
  private static final int BLOCK_PARTS = 21;
  private static final int BLOCK_EXTENDED = 504;

  private final byte[] b;

  UstarHeader(byte[] block) {
    b = block;
  }

  /**
   * Whether the checksum is right. Some old programs summed signed bytes instead of unsigned ones,
   * so either sum is taken.
   */
  boolean checksumFits() {
    long unsigned = 0;
    long signed = 0;
    for (int i = 0; i < b.length; i++) {
      byte value = i >= CHECKSUM && i < CHECKSUM + 8 ? (byte) ' ' : b[i];
      unsigned += value & 0xff;
      signed += value;
    }
    long told;
    try {
      told = number(CHECKSUM, 8, "checksum");
    } catch (BerthException.InvalidArgument e) {
      return false;
    }
    return told == unsigned || told == signed;
  }

  char type() {
    return (char) (b[TYPE] & 0xff);
  }

  long size() {
    return number(SIZE, 12, "size");
  }

  long modified() {
    return number(MTIME, 12, "time");
  }

  int mode() {
    return (int) number(MODE, 8, "mode");
  }

  long uid() {
    return number(UID, 8, "owner");
  }

  long gid() {
    return number(GID, 8, "group");
  }

  long deviceMajor() {
    return hasMagic() ? number(DEVICE_MAJOR, 8, "device") : 0;
  }

  long deviceMinor() {
    return hasMagic() ? number(DEVICE_MINOR, 8, "device") : 0;
  }

  String name() {
    String name = text(NAME, 100);
    // GNU's older format keeps times where POSIX has the prefix.
    if (!isPosix() || b[PREFIX] == 0) {
      return name;
    }
    return text(PREFIX, 155) + "/" + name;
  }

  String linkName() {
    return text(LINK, 100);
  }

  String shownName() {
    String name = name();
    return name.length() <= 100 ? name : name.substring(0, 100) + "...";
  }

  /** The size with holes, of a sparse file in GNU's older format. */
  long realSize() {
    if (isPosix()) {
      throw new BerthException.InvalidArgument(
          "`" + shownName() + "` is a sparse file in a header of POSIX, which has none");
    }
    return number(REAL_SIZE, 12, "size with holes");
  }

  /** Adds a sparse file's first parts to its map; answers whether a block with more follows. */
  boolean sparseParts(SparseMap map) {
    return sparseParts(map, SPARSE, SPARSE_PARTS, EXTENDED);
  }

  /** As {@link #sparseParts}, where this block is one that follows. */
  boolean moreSparseParts(SparseMap map) {
    return sparseParts(map, 0, BLOCK_PARTS, BLOCK_EXTENDED);
  }

  private boolean sparseParts(SparseMap map, int from, int count, int extended) {
    for (int i = 0; i < count; i++) {
      int at = from + 24 * i;
      if (b[at] == 0) {
        break;
      }
      map.add(number(at, 12, "offset in a sparse file"), number(at + 12, 12, "part"));
    }
    return b[extended] != 0;
  }

  private boolean hasMagic() {
    return b[MAGIC] == 'u'
        && b[MAGIC + 1] == 's'
        && b[MAGIC + 2] == 't'
        && b[MAGIC + 3] == 'a'
        && b[MAGIC + 4] == 'r';
  }

  private boolean isPosix() {
    return hasMagic() && b[MAGIC + 5] == 0;
  }

  private String text(int offset, int length) {
    int end = offset;
    while (end < offset + length && b[end] != 0) {
      end++;
    }
    return FileNames.decode(b, offset, end);
  }

  private long number(int offset, int length, String what) {
    if ((b[offset] & 0x80) != 0) {
      return binary(offset, length, what);
    }
    int at = offset;
    int end = offset + length;
    while (at < end && (b[at] == ' ' || b[at] == 0)) {
      at++;
    }
    long value = 0;
    for (; at < end && b[at] != ' ' && b[at] != 0; at++) {
      if (b[at] < '0' || b[at] > '7' || value > Long.MAX_VALUE >> 3) {
        String field = new String(b, offset, length, StandardCharsets.ISO_8859_1).strip();
        throw new BerthException.InvalidArgument(
            "`"
                + shownName()
                + "`: "
                + what
                + " `"
                + field.replace('\0', ' ').strip()
                + "` is no octal number");
      }
      value = value << 3 | (b[at] - '0');
    }
    return value;
  }

  /**
   * Reads GNU's binary number: two's complement in base 256, whose first bit is a mark. A number
   * that does not fit into a long is refused.
   */
  private long binary(int offset, int length, String what) {
    boolean negative = (b[offset] & 0x40) != 0;
    long value = negative ? -1 : 0;
    for (int i = 0; i < length; i++) {
      int digit = b[offset + i] & 0xff;
      if (i == 0) {
        digit = negative ? digit : digit & 0x7f;
      }
      if (value != value << 8 >> 8) {
        throw new BerthException.InvalidArgument(
            "`" + shownName() + "`: " + what + " is out of range");
      }
      value = value << 8 | digit;
    }
    return value;
  }
}
