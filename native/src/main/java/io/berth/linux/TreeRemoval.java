package io.berth.linux;

import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Removes trees by descriptors, one name at a time: nobody who moves things about meanwhile can
 * make it remove anything outside. A loop with a stack of its own, for a hostile tree is deep; the
 * stack keeps at most {@link #MAX_OPEN} descriptors.
 */
final class TreeRemoval {
  private static final int MAX_OPEN = 128;
  private static final int OPEN_DIRECTORY =
      OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW | OpenFlags.O_CLOEXEC;

  private TreeRemoval() {}

  /** Removes a name in a directory, with all in it. */
  static void remove(int directory, String name, String subject) throws SyscallException {
    long result = unlink(directory, name, 0);
    if (result == -Errno.EISDIR.number()) {
      try (Fd inner = openDirectory(directory, name, subject)) {
        clear(inner.number(), subject);
      } catch (SyscallException e) {
        if (!e.is(Errno.ENOENT)) {
          throw e;
        }
      }
      result = unlink(directory, name, OpenFlags.AT_REMOVEDIR);
    }
    if (result < 0 && result != -Errno.ENOENT.number()) {
      throw new SyscallException("remove", subject, (int) -result);
    }
  }

  /** Removes everything in a directory. */
  static void clear(int top, String subject) throws SyscallException {
    Deque<Level> open = new ArrayDeque<>();
    try {
      open.push(new Level(dup(top, subject), "", subject));
      while (true) {
        Level level = open.peek();
        String child = level.next();
        if (child == null) {
          open.pop().close();
          Level outer = open.peek();
          if (outer == null) {
            return;
          }
          removeEmptied(outer, level, subject);
        } else if (open.size() >= MAX_OPEN) {
          flatten(open, child, subject);
        } else {
          Fd fd = openDirectory(level.fd.number(), child, subject);
          open.push(new Level(fd, child, subject));
        }
      }
    } finally {
      open.forEach(Level::close);
    }
  }

  private static void removeEmptied(Level outer, Level inner, String subject)
      throws SyscallException {
    long result = unlink(outer.fd.number(), inner.name, OpenFlags.AT_REMOVEDIR);
    if (result == -Errno.ENOTEMPTY.number()) {
      // Somebody added a file after the directory was read: it is read again, unless that goes on.
      outer.again(inner.name, subject);
    } else if (result < 0 && result != -Errno.ENOENT.number()) {
      throw new SyscallException("remove", subject + "/" + inner.name, (int) -result);
    }
  }

  /**
   * Too deep for one descriptor a level: the directory below is moved up to the outermost level,
   * under a name that is free there, and has its turn later.
   */
  private static void flatten(Deque<Level> open, String child, String subject)
      throws SyscallException {
    Level from = open.getFirst();
    Level to = open.getLast();
    try (Frame f = Frame.open()) {
      for (int i = 0; ; i++) {
        String free = ".removing-" + i;
        long result =
            Libc.call(
                f,
                Sys.RENAMEAT2,
                from.fd.number(),
                f.path(child),
                to.fd.number(),
                f.path(free),
                OpenFlags.RENAME_NOREPLACE);
        if (result == 0) {
          to.add(free);
          return;
        }
        if (result != -Errno.EEXIST.number()) {
          throw new SyscallException("remove", subject + "/" + child, (int) -result);
        }
      }
    }
  }

  /**
   * A directory whose files are gone already, and the directories in it that are still to be
   * emptied.
   */
  private static final class Level {
    final Fd fd;
    final String name;
    private final Deque<String> directories = new ArrayDeque<>();
    private int repeats;

    Level(Fd fd, String name, String subject) throws SyscallException {
      this.fd = fd;
      this.name = name;
      try {
        removeFiles(subject);
      } catch (SyscallException e) {
        fd.close();
        throw e;
      }
    }

    private void removeFiles(String subject) throws SyscallException {
      List<DirectoryEntry> entries = DirectoryReader.list(fd);
      for (DirectoryEntry entry : entries) {
        long result =
            entry.isDirectory()
                ? unlink(fd.number(), entry.name(), OpenFlags.AT_REMOVEDIR)
                : unlink(fd.number(), entry.name(), 0);
        boolean directory = result == -Errno.ENOTEMPTY.number() || result == -Errno.EISDIR.number();
        if (directory) {
          directories.add(entry.name());
        } else if (result < 0 && result != -Errno.ENOENT.number()) {
          throw new SyscallException("remove", subject + "/" + entry.name(), (int) -result);
        }
      }
    }

    @Nullable String next() {
      return directories.poll();
    }

    void add(String directory) {
      directories.add(directory);
    }

    void again(String directory, String subject) throws SyscallException {
      if (++repeats > 1000) {
        throw new SyscallException("remove", subject + "/" + directory, Errno.ENOTEMPTY);
      }
      directories.add(directory);
    }

    void close() {
      fd.close();
    }
  }

  private static Fd openDirectory(int directory, String name, String subject)
      throws SyscallException {
    try (Frame f = Frame.open()) {
      // openat2(2) refuses a link, and with EXDEV what is mounted there.
      MemorySegment how = f.allocate(Layouts.OPEN_HOW_SIZE);
      how.set(Libc.LONG, 0, OPEN_DIRECTORY);
      how.set(
          Libc.LONG,
          Layouts.OPEN_HOW_RESOLVE,
          OpenFlags.RESOLVE_BENEATH | OpenFlags.RESOLVE_NO_SYMLINKS | OpenFlags.RESOLVE_NO_XDEV);
      long result =
          Libc.call(f, Sys.OPENAT2, directory, f.path(name), how.address(), Layouts.OPEN_HOW_SIZE);
      if (result < 0) {
        throw new SyscallException("remove", subject + "/" + name, (int) -result);
      }
      return Fd.adopt((int) result, subject + "/" + name);
    }
  }

  /** Opens the directory once more, for a reader moves the offset of the descriptor it is given. */
  private static Fd dup(int directory, String subject) throws SyscallException {
    return openDirectory(directory, ".", subject);
  }

  private static long unlink(int directory, String name, int flags) {
    try (Frame f = Frame.open()) {
      return Libc.call(f, Sys.UNLINKAT, directory, f.path(name), flags);
    }
  }
}
