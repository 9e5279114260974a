package io.berth.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Takes from a thread the right to change files anywhere but in one folder. What it had opened
 * before stays usable.
 */
public final class Landlock {
  static final long LANDLOCK_ACCESS_FS_WRITE_FILE = 1L << 1;
  static final long LANDLOCK_ACCESS_FS_REMOVE_DIR = 1L << 4;
  static final long LANDLOCK_ACCESS_FS_REMOVE_FILE = 1L << 5;
  static final long LANDLOCK_ACCESS_FS_MAKE_CHAR = 1L << 6;
  static final long LANDLOCK_ACCESS_FS_MAKE_DIR = 1L << 7;
  static final long LANDLOCK_ACCESS_FS_MAKE_REG = 1L << 8;
  static final long LANDLOCK_ACCESS_FS_MAKE_SOCK = 1L << 9;
  static final long LANDLOCK_ACCESS_FS_MAKE_FIFO = 1L << 10;
  static final long LANDLOCK_ACCESS_FS_MAKE_BLOCK = 1L << 11;
  static final long LANDLOCK_ACCESS_FS_MAKE_SYM = 1L << 12;
  static final long LANDLOCK_ACCESS_FS_REFER = 1L << 13;
  static final long LANDLOCK_ACCESS_FS_TRUNCATE = 1L << 14;
  static final int LANDLOCK_CREATE_RULESET_VERSION = 1;
  static final int LANDLOCK_RULE_PATH_BENEATH = 1;
  static final int PATH_BENEATH_SIZE = 12;
  static final int PATH_BENEATH_PARENT = 8;

  private static final long CHANGES =
      LANDLOCK_ACCESS_FS_WRITE_FILE
          | LANDLOCK_ACCESS_FS_REMOVE_DIR
          | LANDLOCK_ACCESS_FS_REMOVE_FILE
          | LANDLOCK_ACCESS_FS_MAKE_CHAR
          | LANDLOCK_ACCESS_FS_MAKE_DIR
          | LANDLOCK_ACCESS_FS_MAKE_REG
          | LANDLOCK_ACCESS_FS_MAKE_SOCK
          | LANDLOCK_ACCESS_FS_MAKE_FIFO
          | LANDLOCK_ACCESS_FS_MAKE_BLOCK
          | LANDLOCK_ACCESS_FS_MAKE_SYM
          | LANDLOCK_ACCESS_FS_REFER;

  private Landlock() {}

  /** What the kernel has of it; 0 for nothing, or switched off. */
  public static int version() {
    try (Frame f = Frame.open()) {
      long result =
          Libc.call(f, Sys.LANDLOCK_CREATE_RULESET, 0, 0, LANDLOCK_CREATE_RULESET_VERSION);
      return (int) Math.max(0, result);
    }
  }

  /**
   * Whether {@link #confineThread} works here: before version 2 no file could be linked or moved
   * between folders.
   */
  public static boolean isAvailable() {
    return version() >= 2;
  }

  /**
   * From now on the calling thread, and whatever thread or process it starts, makes, writes, links,
   * renames and removes files only in that folder. Reading, owners, modes, times and attributes are
   * not concerned. Cannot be undone: throw-away platform threads only.
   *
   * @throws SyscallException EPERM without CAP_SYS_ADMIN or no_new_privs, ENOSYS or EOPNOTSUPP
   *     where the kernel has it not
   */
  public static void confineThread(Fd folder) throws SyscallException {
    if (Thread.currentThread().isVirtual()) {
      throw new IllegalStateException("a virtual thread cannot be confined");
    }
    int version = version();
    if (version < 2) {
      throw new SyscallException("landlock", folder.what(), Errno.EOPNOTSUPP);
    }
    long rights = CHANGES | (version >= 3 ? LANDLOCK_ACCESS_FS_TRUNCATE : 0);
    try (Frame f = Frame.open()) {
      MemorySegment handled = f.allocate(8);
      handled.set(Libc.LONG, 0, rights);
      long ruleset = Libc.call(f, Sys.LANDLOCK_CREATE_RULESET, handled.address(), 8, 0);
      Libc.check(ruleset, "landlock_create_ruleset", folder.what());
      try (Fd rules = Fd.adopt((int) ruleset, "landlock rules")) {
        MemorySegment beneath = f.allocate(PATH_BENEATH_SIZE);
        beneath.set(Libc.LONG, 0, rights);
        beneath.set(ValueLayout.JAVA_INT, PATH_BENEATH_PARENT, folder.number());
        Libc.check(
            Libc.call(
                f,
                Sys.LANDLOCK_ADD_RULE,
                rules.number(),
                LANDLOCK_RULE_PATH_BENEATH,
                beneath.address(),
                0),
            "landlock_add_rule",
            folder.what());
        Libc.check(
            Libc.call(f, Sys.LANDLOCK_RESTRICT_SELF, rules.number(), 0),
            "landlock_restrict_self",
            folder.what());
      }
    }
  }
}
