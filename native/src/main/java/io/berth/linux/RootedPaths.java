package io.berth.linux;

import java.lang.foreign.MemorySegment;

/**
 * Resolves paths below a root by openat2(2). Whoever carries out a call names its parts by what
 * this class answers, so that no path is resolved in any other way. Safe for use by several
 * threads.
 */
final class RootedPaths {
  /** The bit of O_TMPFILE beside O_DIRECTORY. */
  private static final int O_TMPFILE_BIT = 0x400000;

  private static final int MAX_ATTEMPTS = 100;

  private final Fd root;
  private final int resolve;

  /** Resolves below a root that stays the caller's, with {@code RESOLVE_*} flags. */
  RootedPaths(Fd root, int resolve) {
    this.root = root;
    this.resolve = resolve;
  }

  /**
   * A place where a name is to be made or changed: the directory in which it stands, and the
   * address of the name in the frame. To be closed before the frame.
   */
  static final class Place implements AutoCloseable {
    final int directory;
    final long name;
    private final boolean opened;
    private final Frame frame;

    Place(Frame frame, int directory, boolean opened, long name) {
      this.frame = frame;
      this.directory = directory;
      this.opened = opened;
      this.name = name;
    }

    @Override
    public void close() {
      if (opened) {
        closeNumber(frame, directory);
      }
    }
  }

  Place place(Frame f, String path, String call) throws SyscallException {
    String trimmed = FileNames.withoutTrailingSlashes(path);
    int slash = trimmed.lastIndexOf('/');
    String name = trimmed.substring(slash + 1);
    if (name.isEmpty() || name.equals("..") || name.equals(".")) {
      throw new SyscallException(call, subject(path), Errno.EINVAL);
    }
    if (slash <= 0) {
      // The kernel refuses "/name" under RESOLVE_BENEATH, but here there is no directory that it
      // would resolve.
      if (slash == 0 && (resolve & OpenFlags.RESOLVE_BENEATH) != 0) {
        throw new SyscallException(call, subject(path), Errno.EXDEV);
      }
      return new Place(f, root.number(), false, f.path(name));
    }
    long directory =
        open(f, trimmed.substring(0, slash), OpenFlags.O_PATH | OpenFlags.O_DIRECTORY, 0);
    return new Place(f, (int) check(directory, call, path), true, f.path(name));
  }

  /** What openat2(2) answers: a descriptor's number, or the error's below zero. */
  long open(Frame f, String path, int flags, int mode) {
    MemorySegment how = f.raw(Layouts.OPEN_HOW_SIZE);
    how.set(Libc.LONG, 0, (flags | OpenFlags.O_CLOEXEC) & 0xffffffffL);
    // openat2(2) refuses a mode where nothing can be made.
    boolean makes = (flags & (OpenFlags.O_CREAT | O_TMPFILE_BIT)) != 0;
    how.set(Libc.LONG, Layouts.OPEN_HOW_MODE, makes ? mode : 0);
    how.set(Libc.LONG, Layouts.OPEN_HOW_RESOLVE, resolve);
    long name = f.path(path.isEmpty() ? "." : path);
    // EAGAIN says that a rename elsewhere crossed the resolution of a "..": openat2(2) leaves it to
    // the caller to try again.
    for (int attempt = 0; ; attempt++) {
      long result =
          Libc.call(f, Sys.OPENAT2, root.number(), name, how.address(), Layouts.OPEN_HOW_SIZE);
      if (result != -Errno.EAGAIN.number() || attempt == MAX_ATTEMPTS) {
        return result;
      }
    }
  }

  /** The result, unless it is an error. */
  long check(long result, String call, String path) throws SyscallException {
    if (result < 0) {
      throw new SyscallException(call, subject(path), (int) -result);
    }
    return result;
  }

  /** The path for people, seen from outside the root. */
  String subject(String path) {
    String base = root.what().endsWith("/") ? root.what() : root.what() + "/";
    return base + (path.startsWith("/") ? path.substring(1) : path);
  }

  static void closeNumber(Frame f, long number) {
    // A descriptor opened with O_PATH has nothing to write back, so close(2) cannot fail with news.
    Libc.once(f, Sys.CLOSE, number, 0, 0, 0, 0, 0);
  }
}
