package io.berth.base.tar;

import io.berth.linux.FileTimestamp;
import java.util.Map;

/**
 * One member of an archive, as its headers tell it. Names are unchecked and may be anything but
 * NUL; bytes that are no UTF-8 are kept by {@link io.berth.linux.FileNames}' escape.
 *
 * @param size bytes of content that follow; 0 for all but regular files
 * @param mode the twelve bits of permissions
 * @param linkName of links: the content of a symbolic one, the other name of a hard one
 * @param attributes extended attributes by full name
 */
public record TarEntry(
    String name,
    Type type,
    int mode,
    int uid,
    int gid,
    long size,
    FileTimestamp modified,
    String linkName,
    int deviceMajor,
    int deviceMinor,
    Map<String, byte[]> attributes) {
  /** The kind of file that an entry makes. */
  public enum Type {
    FILE('0'),
    HARD_LINK('1'),
    SYMBOLIC_LINK('2'),
    CHARACTER_DEVICE('3'),
    BLOCK_DEVICE('4'),
    DIRECTORY('5'),
    FIFO('6');

    private final char flag;

    Type(char flag) {
      this.flag = flag;
    }

    char flag() {
      return flag;
    }
  }

  public TarEntry {
    attributes = Map.copyOf(attributes);
  }

  /** A regular file that belongs to root. */
  public static TarEntry file(String name, int mode, long size, FileTimestamp modified) {
    return new TarEntry(name, Type.FILE, mode, 0, 0, size, modified, "", 0, 0, Map.of());
  }

  /** A directory that belongs to root. */
  public static TarEntry directory(String name, int mode, FileTimestamp modified) {
    return new TarEntry(name, Type.DIRECTORY, mode, 0, 0, 0, modified, "", 0, 0, Map.of());
  }

  /** The same entry under another name. */
  public TarEntry named(String other) {
    return new TarEntry(
        other,
        type,
        mode,
        uid,
        gid,
        size,
        modified,
        linkName,
        deviceMajor,
        deviceMinor,
        attributes);
  }

  /** The same entry as a link to another name. */
  public TarEntry linkedTo(String other) {
    return new TarEntry(
        name, type, mode, uid, gid, size, modified, other, deviceMajor, deviceMinor, attributes);
  }
}
