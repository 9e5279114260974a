package io.berth.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * An open file descriptor that is closed exactly once and knows what it is: {@code Fd[7
 * /proc/self/ns/net]}. Every descriptor made here is closed on exec.
 *
 * <p>Safe for use by several threads, as far as the kernel's object is; but whoever closes it must
 * know that nobody is inside a call on it. Calls on files return quickly unless the disk is slow:
 * the syncing ones ({@link #sync}, {@link #syncFileSystem}) and reads and writes of more than some
 * 100 KiB belong on a platform thread.
 */
public final class Fd implements AutoCloseable {
  private static final int CLOSED = -1;
  private static final int COPY_BYTES = 64 * 1024;
  private static final short POLLIN = 1;
  private static final short POLLOUT = 4;

  private final AtomicInteger number;
  private final String what;

  private Fd(int number, String what) {
    this.number = new AtomicInteger(number);
    this.what = what;
  }

  /** Takes over a descriptor that nobody else will close. */
  public static Fd adopt(int number, String what) {
    if (number < 0) {
      throw new IllegalArgumentException("descriptor " + number + " of " + what);
    }
    return new Fd(number, what);
  }

  /** Opens a path of the host's; {@code O_CLOEXEC} is added. */
  public static Fd open(Path path, int flags) throws SyscallException {
    return open(path.toString(), flags, 0);
  }

  /**
   * Opens a path of the host's; {@code O_CLOEXEC} is added. The mode counts with {@code O_CREAT}
   * and is cut by the umask.
   */
  public static Fd open(String path, int flags, int mode) throws SyscallException {
    return openAt(OpenFlags.AT_FDCWD, "", path, flags, mode);
  }

  /**
   * Opens a path relative to a directory; nothing keeps {@code ..} and links from leaving it:
   * {@link RootedFiles} does.
   */
  public static Fd openAt(Fd directory, String path, int flags, int mode) throws SyscallException {
    return openAt(directory.number(), directory.what + "/", path, flags, mode);
  }

  private static Fd openAt(int directory, String prefix, String path, int flags, int mode)
      throws SyscallException {
    try (Frame f = Frame.open()) {
      long result =
          Libc.call(f, Sys.OPENAT, directory, f.path(path), flags | OpenFlags.O_CLOEXEC, mode);
      if (result < 0) {
        throw new SyscallException("open", prefix + path, (int) -result);
      }
      return new Fd((int) result, prefix + path);
    }
  }

  /**
   * A pipe: the end to read, then the end to write. Flags: {@code O_NONBLOCK}, {@code O_DIRECT}.
   */
  public static Pipe pipe(int flags) throws SyscallException {
    try (Frame f = Frame.open()) {
      MemorySegment pair = f.allocate(8);
      Libc.check(Libc.call(f, Sys.PIPE2, pair.address(), flags | OpenFlags.O_CLOEXEC), "pipe2", "");
      return new Pipe(
          new Fd(pair.get(Libc.INT, 0), "pipe (read end)"),
          new Fd(pair.get(Libc.INT, 4), "pipe (write end)"));
    }
  }

  /** Both ends of a pipe; closing it closes both. */
  public record Pipe(Fd readEnd, Fd writeEnd) implements AutoCloseable {
    @Override
    public void close() {
      readEnd.close();
      writeEnd.close();
    }
  }

  /**
   * The kernel's number.
   *
   * @throws IllegalStateException once it is closed or given away
   */
  public int number() {
    int n = number.get();
    if (n == CLOSED) {
      throw new IllegalStateException("descriptor of `" + what + "` is closed");
    }
    return n;
  }

  /** What it was opened from. */
  public String what() {
    return what;
  }

  /** Whether it has not been closed or given away. */
  public boolean isOpen() {
    return number.get() != CLOSED;
  }

  /** Gives the number away: the caller has to close it from now on. */
  public int release() {
    int n = number.getAndSet(CLOSED);
    if (n == CLOSED) {
      throw new IllegalStateException("descriptor of `" + what + "` is closed");
    }
    return n;
  }

  /**
   * The link that names this descriptor's file, for calls that take only paths: {@code
   * /proc/self/fd/7}.
   */
  public String procPath() {
    return "/proc/self/fd/" + number();
  }

  /** A second descriptor of the same open file. */
  public Fd duplicate() throws SyscallException {
    return new Fd((int) control("dup", OpenCommands.F_DUPFD_CLOEXEC, 0), what);
  }

  /** The open flags as of F_GETFL. */
  public int statusFlags() throws SyscallException {
    return (int) control("fcntl(F_GETFL)", OpenCommands.F_GETFL, 0);
  }

  /** Sets {@code O_APPEND}, {@code O_NONBLOCK} and their like, as F_SETFL does. */
  public void setStatusFlags(int flags) throws SyscallException {
    control("fcntl(F_SETFL)", OpenCommands.F_SETFL, flags);
  }

  /**
   * Whether calls that would wait return EAGAIN instead. Belongs to the open file, not to this
   * descriptor alone.
   */
  public void setNonBlocking(boolean on) throws SyscallException {
    int flags = statusFlags();
    int wanted = on ? flags | OpenFlags.O_NONBLOCK : flags & ~OpenFlags.O_NONBLOCK;
    if (wanted != flags) {
      setStatusFlags(wanted);
    }
  }

  long control(String name, int command, long argument) throws SyscallException {
    try (Frame f = Frame.open()) {
      return Libc.check(Libc.call(f, Sys.FCNTL, number(), command, argument), name, what);
    }
  }

  /** Reads at most the segment's size; 0 at the end. The segment must be native. */
  public int read(MemorySegment into) throws SyscallException {
    try (Frame f = Frame.open()) {
      return (int)
          Libc.check(Libc.buffer(f, Sys.READ, number(), into, ioSize(into), 0), "read", what);
    }
  }

  /** Writes at most the segment's size and returns how much it was. The segment must be native. */
  public int write(MemorySegment from) throws SyscallException {
    try (Frame f = Frame.open()) {
      return (int)
          Libc.check(Libc.buffer(f, Sys.WRITE, number(), from, ioSize(from), 0), "write", what);
    }
  }

  /** Writes at an offset, without moving the file's. The segment must be native. */
  public int writeAt(MemorySegment from, long offset) throws SyscallException {
    try (Frame f = Frame.open()) {
      return (int)
          Libc.check(
              Libc.buffer(f, Sys.PWRITE64, number(), from, ioSize(from), offset), "pwrite", what);
    }
  }

  /** Writes the whole native segment. */
  public void writeAll(MemorySegment from) throws SyscallException {
    long done = 0;
    while (done < from.byteSize()) {
      done += write(from.asSlice(done));
    }
  }

  /**
   * Waits until this descriptor can be read from, or written to, without waiting, or another one
   * can be read from; platform threads only. What has no such moment, as files have none, is always
   * ready.
   *
   * @return whether this one is ready; it need not be the only one
   */
  public boolean awaitReady(boolean toWrite, Fd orReadable) throws SyscallException {
    try (Frame f = Frame.open()) {
      MemorySegment polled = f.allocate(16);
      polled.set(Libc.INT, 0, number());
      polled.set(ValueLayout.JAVA_SHORT, 4, toWrite ? POLLOUT : POLLIN);
      polled.set(Libc.INT, 8, orReadable.number());
      polled.set(ValueLayout.JAVA_SHORT, 12, POLLIN);
      Libc.check(Libc.call(f, Sys.PPOLL, polled.address(), 2, 0, 0), "poll", what);
      return polled.get(ValueLayout.JAVA_SHORT, 6) != 0;
    }
  }

  /** Reads at most {@code length} bytes into an array; 0 at the end, unless {@code length} is 0. */
  public int read(byte[] into, int offset, int length) throws SyscallException {
    Objects.checkFromIndexSize(offset, length, into.length);
    try (Frame f = Frame.open()) {
      int size = Math.min(length, COPY_BYTES);
      MemorySegment copy = f.raw(size);
      int count =
          (int) Libc.check(Libc.call(f, Sys.READ, number(), copy.address(), size), "read", what);
      MemorySegment.copy(copy, ValueLayout.JAVA_BYTE, 0, into, offset, count);
      return count;
    }
  }

  /** Writes at most {@code length} bytes of an array and returns how much it was. */
  public int write(byte[] from, int offset, int length) throws SyscallException {
    Objects.checkFromIndexSize(offset, length, from.length);
    try (Frame f = Frame.open()) {
      int size = Math.min(length, COPY_BYTES);
      MemorySegment copy = f.raw(size);
      MemorySegment.copy(from, offset, copy, ValueLayout.JAVA_BYTE, 0, size);
      return (int)
          Libc.check(Libc.call(f, Sys.WRITE, number(), copy.address(), size), "write", what);
    }
  }

  /** Writes the whole array. */
  public void writeAll(byte[] from) throws SyscallException {
    int done = 0;
    while (done < from.length) {
      done += write(from, done, from.length - done);
    }
  }

  /**
   * Writes the text (UTF-8) by one write, as control files of cgroups and proc want it.
   *
   * @throws SyscallException also when the kernel took only a part (EIO)
   */
  public void writeOnce(String text) throws SyscallException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int count = write(bytes, 0, bytes.length);
    if (count != bytes.length) {
      throw new SyscallException("write", what, Errno.EIO);
    }
  }

  /**
   * What is left to read, from the file's offset on.
   *
   * @throws SyscallException EFBIG if it is more than {@code limit} bytes
   */
  public byte[] readAll(int limit) throws SyscallException {
    byte[] content = new byte[Math.min(4096, limit + 1)];
    int length = 0;
    while (true) {
      if (length == content.length) {
        if (length > limit) {
          throw new SyscallException("read", what, Errno.EFBIG);
        }
        content = Arrays.copyOf(content, Math.min(length * 2, limit + 1));
      }
      int count = read(content, length, content.length - length);
      if (count == 0) {
        return Arrays.copyOf(content, length);
      }
      length += count;
    }
  }

  /** Moves the offset from which the next read or write goes. */
  public void seek(long offset) throws SyscallException {
    try (Frame f = Frame.open()) {
      Libc.check(Libc.call(f, Sys.LSEEK, number(), offset, 0), "lseek", what);
    }
  }

  /** Moves the offset on by so many bytes; a file that is written behind its end has a hole. */
  public void skip(long bytes) throws SyscallException {
    try (Frame f = Frame.open()) {
      Libc.check(Libc.call(f, Sys.LSEEK, number(), bytes, 1), "lseek", what);
    }
  }

  /** What kind of file it is, whose, how large and how old. */
  public FileStatus status() throws SyscallException {
    return FileStatus.of(number(), "", OpenFlags.AT_EMPTY_PATH, what);
  }

  /** Cuts or extends the file. */
  public void truncate(long bytes) throws SyscallException {
    try (Frame f = Frame.open()) {
      Libc.check(Libc.call(f, Sys.FTRUNCATE, number(), bytes), "ftruncate", what);
    }
  }

  /** fsync(2). Waits for the disk: platform threads only. */
  public void sync() throws SyscallException {
    plain(Sys.FSYNC, "fsync");
  }

  /**
   * syncfs(2): the whole file system this descriptor is on. Waits for the disk: platform threads
   * only.
   */
  public void syncFileSystem() throws SyscallException {
    plain(Sys.SYNCFS, "syncfs");
  }

  /** Owner and group; -1 leaves one as it is. */
  public void changeOwner(int uid, int gid) throws SyscallException {
    try (Frame f = Frame.open()) {
      Libc.check(Libc.call(f, Sys.FCHOWN, number(), uid, gid), "fchown", what);
    }
  }

  /** Permissions and the three upper bits. Not on an {@code O_PATH} descriptor. */
  public void changeMode(int mode) throws SyscallException {
    try (Frame f = Frame.open()) {
      Libc.check(Libc.call(f, Sys.FCHMOD, number(), mode), "fchmod", what);
    }
  }

  /** Times of access and modification. Not on an {@code O_PATH} descriptor. */
  public void setTimes(FileTimestamp access, FileTimestamp modification) throws SyscallException {
    try (Frame f = Frame.open()) {
      long times = FileTimestamp.pair(f, access, modification);
      Libc.check(Libc.call(f, Sys.UTIMENSAT, number(), 0, times, 0), "utimensat", what);
    }
  }

  /** Sets an extended attribute. Not on an {@code O_PATH} descriptor. */
  public void setAttribute(String name, byte[] value) throws SyscallException {
    try (Frame f = Frame.open()) {
      long result =
          Libc.call(f, Sys.FSETXATTR, number(), f.path(name), f.bytes(value), value.length, 0);
      Libc.check(result, "setxattr " + name + " of", what);
    }
  }

  private void plain(int syscall, String name) throws SyscallException {
    try (Frame f = Frame.open()) {
      Libc.check(Libc.call(f, syscall, number()), name, what);
    }
  }

  private static long ioSize(MemorySegment segment) {
    return Math.min(segment.byteSize(), 1 << 30);
  }

  /**
   * Closes the descriptor; a second time nothing happens. What the kernel says about lost writes is
   * not told here: whoever needs to know calls {@link #sync} first.
   *
   * @throws IllegalStateException if the number is not open any more: somebody closed a descriptor
   *     that was not theirs
   */
  @Override
  public void close() {
    int n = number.getAndSet(CLOSED);
    if (n == CLOSED) {
      return;
    }
    try (Frame f = Frame.open()) {
      // close(2) is never repeated: after EINTR Linux has freed the number already, and it may be
      // somebody else's.
      long result = Libc.once(f, Sys.CLOSE, n, 0, 0, 0, 0, 0);
      if (result == -Errno.EBADF.number()) {
        throw new IllegalStateException(
            "descriptor " + n + " of `" + what + "` was closed behind its owner's back");
      }
    }
  }

  @Override
  public String toString() {
    int n = number.get();
    return "Fd[" + (n == CLOSED ? "closed" : Integer.toString(n)) + " " + what + "]";
  }
}
