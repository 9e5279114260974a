package io.berth.cli.archive;

import java.nio.file.attribute.PosixFilePermission;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** Converts between the nine permission bits of a mode (inode(7)) and the sets of Java. */
final class Permissions {
  /** The permissions from the highest bit down, which is the order in which they are declared. */
  private static final List<PosixFilePermission> BITS = List.of(PosixFilePermission.values());

  private Permissions() {}

  static Set<PosixFilePermission> of(int mode) {
    Set<PosixFilePermission> set = EnumSet.noneOf(PosixFilePermission.class);
    for (int i = 0; i < BITS.size(); i++) {
      if ((mode & (0400 >> i)) != 0) {
        set.add(BITS.get(i));
      }
    }
    return set;
  }

  static int mode(Set<PosixFilePermission> set) {
    int mode = 0;
    for (int i = 0; i < BITS.size(); i++) {
      if (set.contains(BITS.get(i))) {
        mode |= 0400 >> i;
      }
    }
    return mode;
  }
}
