package io.berth.base.tar;

import io.berth.base.error.BerthException;
import io.berth.linux.FileNames;
import io.berth.linux.FileTimestamp;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What extended headers say of the entry that follows them; they win over its own header. */
final class PaxHeader {
  private static final String ATTRIBUTE = "SCHILY.xattr.";
  private static final long MAX_ID = 0xfffffffeL;

  private final Map<String, byte[]> attributes = new HashMap<>();
  private final Map<String, String> records = new HashMap<>();
  private @Nullable String name;
  private @Nullable String linkName;
  private @Nullable SparseRecords sparse;
  private boolean pending;

  /** Whether something was said of an entry that has not come yet. */
  boolean isPending() {
    return pending;
  }

  void longName(byte[] text) {
    pending = true;
    name = untilNul(text);
  }

  void longLink(byte[] text) {
    pending = true;
    linkName = untilNul(text);
  }

  private static String untilNul(byte[] text) {
    int end = 0;
    while (end < text.length && text[end] != 0) {
      end++;
    }
    return FileNames.decode(text, 0, end);
  }

  /** Takes records {@code LENGTH KEY=VALUE\n}; answers what is wrong, or null. */
  @Nullable String read(byte[] text) {
    pending = true;
    int at = 0;
    while (at < text.length) {
      int length = 0;
      int digit = at;
      while (digit < text.length
          && text[digit] >= '0'
          && text[digit] <= '9'
          && length < TarParser.MAX_HEADER_BYTES) {
        length = length * 10 + (text[digit] - '0');
        digit++;
      }
      int end = at + length;
      if (digit == at
          || digit >= text.length
          || text[digit] != ' '
          || end <= digit + 1
          || end > text.length
          || text[end - 1] != '\n') {
        return "an extended header is malformed";
      }
      int equals = digit + 1;
      while (equals < end && text[equals] != '=') {
        equals++;
      }
      if (equals == end || equals == digit + 1) {
        return "an extended header has a record without a key or value";
      }
      String problem = take(FileNames.decode(text, digit + 1, equals), text, equals + 1, end - 1);
      if (problem != null) {
        return problem;
      }
      at = end;
    }
    return null;
  }

  private @Nullable String take(String key, byte[] text, int from, int to) {
    if (key.startsWith(ATTRIBUTE)) {
      attributes.put(key.substring(ATTRIBUTE.length()), Arrays.copyOfRange(text, from, to));
      return null;
    }
    if (key.startsWith(SparseRecords.PREFIX)) {
      SparseRecords records = sparse == null ? new SparseRecords() : sparse;
      sparse = records;
      records.take(key, FileNames.decode(text, from, to));
      return null;
    }
    switch (key) {
      case "path", "linkpath" -> {
        for (int i = from; i < to; i++) {
          if (text[i] == 0) {
            return "a name holds a NUL";
          }
        }
        if (key.equals("path")) {
          name = FileNames.decode(text, from, to);
        } else {
          linkName = FileNames.decode(text, from, to);
        }
      }
      case "size", "uid", "gid", "mtime" ->
          records.put(key, new String(text, from, to - from, StandardCharsets.ISO_8859_1));
      default -> {
        // Times of access, names of owners and comments have no place in the store.
      }
    }
    return null;
  }

  /** What was said of a sparse file; null for another one. */
  @Nullable SparseRecords sparse() {
    return sparse != null && sparse.size() >= 0 ? sparse : null;
  }

  /** The number of bytes that follow the header of a file. */
  long stored(UstarHeader header) {
    return number("size", header.size());
  }

  private String name(UstarHeader header) {
    SparseRecords holes = sparse();
    String other = holes != null && holes.name() != null ? holes.name() : name;
    if (other != null && other.indexOf('\0') >= 0) {
      throw new BerthException.InvalidArgument("a name holds a NUL");
    }
    return other != null && !other.isEmpty() ? other : header.name();
  }

  /**
   * Makes the entry of a header and of what was said of it before. Its size is with holes, where a
   * sparse file has them.
   */
  TarEntry apply(UstarHeader header, char flag) {
    String path = name(header);
    TarEntry.Type type = type(flag, path);
    long size = type == TarEntry.Type.FILE ? stored(header) : 0;
    if (size < 0) {
      throw new BerthException.InvalidArgument("`" + path + "`: its size is negative");
    }
    SparseRecords holes = sparse();
    if (flag == 'S') {
      size = header.realSize();
    } else if (holes != null) {
      size = holes.size();
    }
    return new TarEntry(
        path,
        type,
        header.mode() & 07777,
        id("uid", header.uid(), path),
        id("gid", header.gid(), path),
        type == TarEntry.Type.FILE ? size : 0,
        time(header),
        linkName != null ? linkName : header.linkName(),
        device(header.deviceMajor(), path),
        device(header.deviceMinor(), path),
        attributes);
  }

  private static TarEntry.Type type(char flag, String path) {
    return switch (flag) {
      case '0', '7', 'S' -> TarEntry.Type.FILE;
      // Before POSIX a directory was written as a file whose name ends with a slash.
      case 0 -> path.endsWith("/") ? TarEntry.Type.DIRECTORY : TarEntry.Type.FILE;
      case '1' -> TarEntry.Type.HARD_LINK;
      case '2' -> TarEntry.Type.SYMBOLIC_LINK;
      case '3' -> TarEntry.Type.CHARACTER_DEVICE;
      case '4' -> TarEntry.Type.BLOCK_DEVICE;
      case '5' -> TarEntry.Type.DIRECTORY;
      case '6' -> TarEntry.Type.FIFO;
      default ->
          throw new BerthException.InvalidArgument(
              "`"
                  + path
                  + "` is of an unknown kind (type flag "
                  + (flag > ' ' && flag < 127 ? "`" + flag + "`" : String.valueOf((int) flag))
                  + ")");
    };
  }

  private int id(String key, long fallback, String path) {
    long id = number(key, fallback);
    if (id < 0 || id > MAX_ID) {
      throw new BerthException.InvalidArgument(
          "`" + path + "`: " + key + " " + id + " is out of range");
    }
    return (int) id;
  }

  private static int device(long number, String path) {
    if (number < 0 || number > 0xffffffL) {
      throw new BerthException.InvalidArgument(
          "`" + path + "`: device number " + number + " is out of range");
    }
    return (int) number;
  }

  private long number(String key, long fallback) {
    String text = records.get(key);
    if (text == null) {
      return fallback;
    }
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw malformed(key, text);
    }
  }

  private FileTimestamp time(UstarHeader header) {
    String text = records.get("mtime");
    if (text == null) {
      return new FileTimestamp(header.modified(), 0);
    }
    int dot = text.indexOf('.');
    try {
      long seconds = Long.parseLong(dot < 0 ? text : text.substring(0, dot));
      String fraction = dot < 0 ? "" : text.substring(dot + 1);
      if (!fraction.chars().allMatch(c -> c >= '0' && c <= '9')) {
        throw malformed("mtime", text);
      }
      int nanos = Integer.parseInt((fraction + "000000000").substring(0, 9));
      // The text "-1.5" means half a second before -1, so the fraction counts downwards.
      return text.startsWith("-") && nanos > 0
          ? new FileTimestamp(seconds - 1, 1_000_000_000 - nanos)
          : new FileTimestamp(seconds, nanos);
    } catch (NumberFormatException e) {
      throw malformed("mtime", text);
    }
  }

  private static BerthException malformed(String key, String text) {
    String shown = text.length() <= 40 ? text : text.substring(0, 40) + "...";
    return new BerthException.InvalidArgument(
        "an extended header's " + key + " `" + shown.replace('\n', ' ') + "` is no number");
  }
}
