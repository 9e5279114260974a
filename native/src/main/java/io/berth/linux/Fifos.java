package io.berth.linux;

import java.nio.file.Path;

/**
 * Named pipes. Opening one for one direction waits for somebody at the other end, so here they are
 * opened for both, which never waits; whoever needs to see the other side's end then opens the
 * wanted direction on top and closes this one.
 */
public final class Fifos {
  private Fifos() {}

  /** Makes a fifo; EEXIST if there is anything of that name. */
  public static void make(Path path, int permissions) throws SyscallException {
    try (Frame f = Frame.open()) {
      long result =
          Libc.call(
              f,
              Sys.MKNODAT,
              OpenFlags.AT_FDCWD,
              f.path(path.toString()),
              OpenFlags.S_IFIFO | permissions,
              0);
      Libc.check(result, "mkfifo", path);
    }
  }

  /** Opens both ends at once, non-blocking; never waits. EINVAL if it is no fifo. */
  public static Fd open(Path path) throws SyscallException {
    return open(path, OpenFlags.O_RDWR);
  }

  /**
   * Opens neither end, but a descriptor (O_PATH) from which either can be opened later. EINVAL if
   * it is no fifo.
   */
  public static Fd locate(Path path) throws SyscallException {
    return checked(Fd.open(path, OpenFlags.O_PATH), path);
  }

  private static Fd open(Path path, int direction) throws SyscallException {
    return checked(Fd.open(path, direction | OpenFlags.O_NONBLOCK | OpenFlags.O_NOCTTY), path);
  }

  private static Fd checked(Fd fd, Path path) throws SyscallException {
    try {
      if (fd.status().type() != OpenFlags.S_IFIFO) {
        throw new SyscallException("open fifo", path.toString(), Errno.EINVAL);
      }
      return fd;
    } catch (SyscallException e) {
      fd.close();
      throw e;
    }
  }
}
