package io.berth.linux;

import java.nio.charset.StandardCharsets;

/** Files that exist only in memory, to be handed to another process by descriptor. */
public final class Memfd {
  private static final int MFD_CLOEXEC = 1;
  private static final int MFD_ALLOW_SEALING = 2;
  private static final int F_SEAL_SEAL = 1;
  private static final int F_SEAL_SHRINK = 2;
  private static final int F_SEAL_GROW = 4;
  private static final int F_SEAL_WRITE = 8;

  /** All seals: nobody can change size or content any more, nor take a seal off. */
  public static final int ALL_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

  private Memfd() {}

  /** An empty file that can be sealed; the name is only shown in /proc. */
  public static Fd create(String name) throws SyscallException {
    return create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  }

  /** A sealed file with this content, its offset at 0. */
  public static Fd sealed(String name, byte[] content) throws SyscallException {
    Fd fd = create(name);
    try {
      fd.writeAll(content);
      fd.seek(0);
      seal(fd);
      return fd;
    } catch (SyscallException | RuntimeException e) {
      fd.close();
      throw e;
    }
  }

  /** A sealed file with this text in UTF-8, its offset at 0. */
  public static Fd sealed(String name, String content) throws SyscallException {
    return sealed(name, content.getBytes(StandardCharsets.UTF_8));
  }

  /** Puts all seals on. */
  public static void seal(Fd fd) throws SyscallException {
    fd.control("seal", OpenCommands.F_ADD_SEALS, ALL_SEALS);
  }

  /** The seals that are on; EINVAL if it is no memfd. */
  public static int seals(Fd fd) throws SyscallException {
    return (int) fd.control("fcntl(F_GET_SEALS)", OpenCommands.F_GET_SEALS, 0);
  }

  private static Fd create(String name, int flags) throws SyscallException {
    try (Frame f = Frame.open()) {
      long result = Libc.call(f, Sys.MEMFD_CREATE, f.path(name), flags);
      return Fd.adopt((int) Libc.check(result, "memfd_create", name), "memory file " + name);
    }
  }
}
