package io.berth.linux;

/**
 * A thread's own working folder and file mode mask. Threads share them with the process, until one
 * asks the kernel for its own (CLONE_FS of unshare(2)); threads that it starts share them with it.
 */
public final class ThreadView {
  private static final int CLONE_FS = 0x200;

  private ThreadView() {}

  /**
   * Gives the calling thread, which is a platform thread, a folder and a mask of its own for the
   * rest of its life. What opens a relative path on it opens it there; {@link
   * java.nio.file.Path#toAbsolutePath} knows nothing of it.
   */
  public static void enter(Fd folder, int umask) throws SyscallException {
    if (Thread.currentThread().isVirtual()) {
      throw new IllegalStateException("a carrier thread is not this thread's own");
    }
    try (Frame f = Frame.open()) {
      Libc.check(Libc.call(f, Sys.UNSHARE, CLONE_FS), "unshare", folder.what());
      Libc.check(Libc.call(f, Sys.FCHDIR, folder.number()), "fchdir", folder.what());
      Libc.call(f, Sys.UMASK, umask);
    }
  }
}
