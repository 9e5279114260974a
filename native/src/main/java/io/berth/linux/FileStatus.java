package io.berth.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

/**
 * What statx(2) tells of a file.
 *
 * @param mode type and permissions, {@code S_IF*} and twelve bits
 * @param blocks the number of blocks of 512 bytes that it takes up
 * @param device the file system's number, see {@link Device}
 * @param special the number of the device that a device node stands for
 * @param mountId the mount's number in /proc/self/mountinfo
 */
public record FileStatus(
    int mode,
    int uid,
    int gid,
    long size,
    long blocks,
    long inode,
    int links,
    Device device,
    Device special,
    FileTimestamp accessed,
    FileTimestamp modified,
    FileTimestamp changed,
    long mountId) {

  /** A device number. */
  public record Device(int major, int minor) {
    /** The number as the kernel packs it for mknod(2), see makedev(3). */
    public long packed() {
      return (minor & 0xffL)
          | ((major & 0xfffL) << 8)
          | ((minor & ~0xffL) << 12)
          | ((major & ~0xfffL) << 32);
    }

    @Override
    public String toString() {
      return major + ":" + minor;
    }
  }

  /** The status of the file at a path of the machine; links are followed. */
  public static FileStatus of(Path path) throws SyscallException {
    return of(OpenFlags.AT_FDCWD, path.toString(), 0, path.toString());
  }

  /** The status of what stands at a path of the machine, be it a link. */
  public static FileStatus ofLink(Path path) throws SyscallException {
    return of(OpenFlags.AT_FDCWD, path.toString(), OpenFlags.AT_SYMLINK_NOFOLLOW, path.toString());
  }

  /** The type alone: one of {@code S_IFREG}, {@code S_IFDIR}, ... */
  public int type() {
    return mode & OpenFlags.S_IFMT;
  }

  /** The twelve bits of permissions. */
  public int permissions() {
    return mode & 07777;
  }

  public boolean isDirectory() {
    return type() == OpenFlags.S_IFDIR;
  }

  public boolean isRegular() {
    return type() == OpenFlags.S_IFREG;
  }

  /** Whether it is a pipe, named or not, or a socket. */
  public boolean isPipeOrSocket() {
    return type() == OpenFlags.S_IFIFO || type() == OpenFlags.S_IFSOCK;
  }

  /** Whether it is /dev/null, /dev/zero or /dev/full, where no read or write ever waits. */
  public boolean isNullDevice() {
    return type() == OpenFlags.S_IFCHR
        && special.major() == 1
        && (special.minor() == 3 || special.minor() == 5 || special.minor() == 7);
  }

  /** Whether it is the same file as another one that exists at the same time. */
  public boolean isSameFile(FileStatus other) {
    return mountId == other.mountId && inode == other.inode && special.equals(other.special);
  }

  public boolean isSymbolicLink() {
    return type() == OpenFlags.S_IFLNK;
  }

  static FileStatus of(int directory, String path, int flags, String subject)
      throws SyscallException {
    try (Frame f = Frame.open()) {
      MemorySegment s = f.raw(Layouts.STATX_SIZE);
      long result =
          Libc.call(
              f,
              Sys.STATX,
              directory,
              f.path(path),
              flags | OpenFlags.AT_NO_AUTOMOUNT,
              Layouts.STATX_BASIC_STATS | Layouts.STATX_MNT_ID,
              s.address());
      if (result < 0) {
        throw new SyscallException("stat", subject, (int) -result);
      }
      return read(s);
    }
  }

  private static FileStatus read(MemorySegment s) {
    return new FileStatus(
        Short.toUnsignedInt(s.get(ValueLayout.JAVA_SHORT, Layouts.STATX_MODE)),
        s.get(Libc.INT, Layouts.STATX_UID),
        s.get(Libc.INT, Layouts.STATX_GID),
        s.get(Libc.LONG, Layouts.STATX_FILE_SIZE),
        s.get(Libc.LONG, Layouts.STATX_BLOCKS),
        s.get(Libc.LONG, Layouts.STATX_INO),
        s.get(Libc.INT, Layouts.STATX_NLINK),
        device(s, Layouts.STATX_DEV_MAJOR),
        device(s, Layouts.STATX_RDEV_MAJOR),
        time(s, Layouts.STATX_ATIME),
        time(s, Layouts.STATX_MTIME),
        time(s, Layouts.STATX_CTIME),
        s.get(Libc.LONG, Layouts.STATX_MNT_ID_FIELD));
  }

  private static Device device(MemorySegment s, int at) {
    return new Device(s.get(Libc.INT, at), s.get(Libc.INT, at + 4L));
  }

  private static FileTimestamp time(MemorySegment s, int at) {
    return new FileTimestamp(s.get(Libc.LONG, at), s.get(Libc.INT, at + 8L));
  }
}
