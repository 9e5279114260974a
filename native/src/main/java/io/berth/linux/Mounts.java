package io.berth.linux;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Mounting. The calls of the newer mount API make mounts that are attached nowhere yet; such a
 * mount is a descriptor, can be given to another process, and disappears with its last descriptor
 * unless somebody attached it.
 *
 * <p>All of them return in well below a millisecond, except {@link #unmount} of a file system with
 * unwritten data (up to a second for overlayfs without {@code volatile}): that belongs on a
 * platform thread.
 */
public final class Mounts {
  private static final int FSOPEN_CLOEXEC = 1;
  private static final int FSMOUNT_CLOEXEC = 1;
  private static final int FSCONFIG_SET_FLAG = 0;
  private static final int FSCONFIG_SET_STRING = 1;
  private static final int FSCONFIG_SET_FD = 5;
  private static final int FSCONFIG_CMD_CREATE = 6;

  private Mounts() {}

  /**
   * open_tree(2).
   *
   * @param directory where {@code path} starts, or what is meant itself with {@code AT_EMPTY_PATH};
   *     null for the host's root and current folder
   * @param flags {@code OPEN_TREE_CLONE} for a detached bind mount, {@code AT_RECURSIVE} with all
   *     below it, {@code AT_EMPTY_PATH}, {@code AT_SYMLINK_NOFOLLOW}
   */
  public static Fd openTree(@Nullable Fd directory, String path, int flags)
      throws SyscallException {
    String subject = subject(directory, path);
    try (Frame f = Frame.open()) {
      long result =
          Libc.call(
              f,
              Sys.OPEN_TREE,
              number(directory),
              f.path(path),
              flags | MountFlags.OPEN_TREE_CLOEXEC);
      return Fd.adopt((int) Libc.check(result, "open_tree", subject), "mount of " + subject);
    }
  }

  /**
   * A detached bind mount of a path of the host's, with everything mounted below it if {@code
   * recursive}.
   */
  public static Fd cloneTree(Path path, boolean recursive) throws SyscallException {
    return openTree(
        null,
        path.toString(),
        MountFlags.OPEN_TREE_CLONE | (recursive ? OpenFlags.AT_RECURSIVE : 0));
  }

  /**
   * Attaches a detached mount at a path of the host's; the mount that {@code mount} is, not what
   * its path says.
   */
  public static void attach(Fd mount, Path target) throws SyscallException {
    moveMount(mount, "", null, target.toString(), MountFlags.MOVE_MOUNT_F_EMPTY_PATH);
  }

  /** Attaches a detached mount on the file or directory that a descriptor stands for. */
  public static void attach(Fd mount, Fd target) throws SyscallException {
    moveMount(
        mount,
        "",
        target,
        "",
        MountFlags.MOVE_MOUNT_F_EMPTY_PATH | MountFlags.MOVE_MOUNT_T_EMPTY_PATH);
  }

  /** Calls move_mount(2). A null directory is the machine's root and current folder. */
  public static void moveMount(
      @Nullable Fd from, String fromPath, @Nullable Fd to, String toPath, int flags)
      throws SyscallException {
    try (Frame f = Frame.open()) {
      long result =
          Libc.call(
              f, Sys.MOVE_MOUNT, number(from), f.path(fromPath), number(to), f.path(toPath), flags);
      Libc.check(result, "move_mount", subject(to, toPath));
    }
  }

  /**
   * A file system context: the new file system is configured step by step and then mounted
   * detached. What the kernel has to say about a wrong option is part of the exception's text.
   */
  public static FsContext openFileSystem(String type) throws SyscallException {
    try (Frame f = Frame.open()) {
      long result = Libc.call(f, Sys.FSOPEN, f.path(type), FSOPEN_CLOEXEC);
      return new FsContext(
          Fd.adopt((int) Libc.check(result, "fsopen", type), "file system " + type), type);
    }
  }

  /** A file system being configured. */
  public static final class FsContext implements AutoCloseable {
    private final Fd fd;
    private final String type;

    FsContext(Fd fd, String type) {
      this.fd = fd;
      this.type = type;
    }

    /** An option with a value; {@code source} is one as well. */
    public FsContext set(String key, String value) throws SyscallException {
      return configure(FSCONFIG_SET_STRING, key, value, 0);
    }

    /** An option without a value. */
    public FsContext set(String key) throws SyscallException {
      return configure(FSCONFIG_SET_FLAG, key, null, 0);
    }

    /** An option whose value is a descriptor. */
    public FsContext set(String key, Fd value) throws SyscallException {
      return configure(FSCONFIG_SET_FD, key, null, value.number());
    }

    /** Creates the file system with the options that were set. */
    public FsContext create() throws SyscallException {
      return configure(FSCONFIG_CMD_CREATE, null, null, 0);
    }

    /** A detached mount of it, with {@code MOUNT_ATTR_*}. */
    public Fd mount(long attributes) throws SyscallException {
      try (Frame f = Frame.open()) {
        long result = Libc.call(f, Sys.FSMOUNT, fd.number(), FSMOUNT_CLOEXEC, attributes);
        return Fd.adopt((int) check(result, "mount", type), "mount of " + type);
      }
    }

    private FsContext configure(int command, @Nullable String key, @Nullable String value, int aux)
        throws SyscallException {
      try (Frame f = Frame.open()) {
        long result =
            Libc.call(
                f,
                Sys.FSCONFIG,
                fd.number(),
                command,
                key == null ? 0 : f.path(key),
                value == null ? 0 : f.path(value),
                aux);
        if (result < 0) {
          String option = key == null ? "" : " " + key + (value == null ? "" : "=" + value);
          check(result, "mount", type + option);
        }
      }
      return this;
    }

    private long check(long result, String call, String subject) throws SyscallException {
      if (result >= 0) {
        return result;
      }
      String words = messages();
      throw new SyscallException(
          call, words.isEmpty() ? subject : subject + ": " + words, (int) -result);
    }

    /**
     * The kernel leaves its messages to be read from the context, one a read, each with its kind
     * before a blank.
     */
    private String messages() {
      List<String> lines = new ArrayList<>();
      byte[] line = new byte[1024];
      try {
        for (int i = 0; i < 16; i++) {
          int count = fd.read(line, 0, line.length);
          String text = FileNames.decode(line, 0, count).strip();
          lines.add(text.length() > 2 && text.charAt(1) == ' ' ? text.substring(2) : text);
        }
      } catch (SyscallException noMore) {
        // ENODATA says that no message is left.
      }
      return String.join(", ", lines);
    }

    @Override
    public void close() {
      fd.close();
    }
  }

  /**
   * What a mount is to become.
   *
   * @param set flags of {@code MOUNT_ATTR_*} that are set
   * @param clear flags of {@code MOUNT_ATTR_*} that are cleared before the others are set
   * @param propagation one of {@code MS_SHARED}, {@code MS_SLAVE}, {@code MS_PRIVATE}, {@code
   *     MS_UNBINDABLE}, or 0
   * @param userNamespace the namespace whose map {@code MOUNT_ATTR_IDMAP} applies; null without
   *     that flag
   */
  public record Attributes(long set, long clear, long propagation, @Nullable Fd userNamespace) {
    /** Attributes that only set flags. */
    public static Attributes setting(long set) {
      return new Attributes(set, 0, 0, null);
    }

    /** Attributes that only set the propagation. */
    public static Attributes propagating(long propagation) {
      return new Attributes(0, 0, propagation, null);
    }

    /**
     * Attributes that shift the ids on the mount by the user namespace's map. The mount must be
     * detached.
     */
    public static Attributes mapped(Fd userNamespace) {
      return new Attributes(MountFlags.MOUNT_ATTR_IDMAP, 0, 0, userNamespace);
    }
  }

  /**
   * mount_setattr(2) on the mount that a descriptor stands for, and on all below it if {@code
   * recursive}.
   */
  public static void setAttributes(Fd mount, boolean recursive, Attributes attributes)
      throws SyscallException {
    setAttributes(mount, "", recursive, attributes);
  }

  /** mount_setattr(2) on what is mounted at a path of the host's. */
  public static void setAttributes(Path target, boolean recursive, Attributes attributes)
      throws SyscallException {
    setAttributes(null, target.toString(), recursive, attributes);
  }

  private static void setAttributes(
      @Nullable Fd directory, String path, boolean recursive, Attributes attributes)
      throws SyscallException {
    try (Frame f = Frame.open()) {
      MemorySegment a = f.allocate(Layouts.MOUNT_ATTR_SIZE);
      a.set(Libc.LONG, 0, attributes.set);
      a.set(Libc.LONG, Layouts.MOUNT_ATTR_CLEAR, attributes.clear);
      a.set(Libc.LONG, Layouts.MOUNT_ATTR_PROPAGATION, attributes.propagation);
      Fd namespace = attributes.userNamespace;
      a.set(Libc.LONG, Layouts.MOUNT_ATTR_USERNS_FD, namespace == null ? 0 : namespace.number());
      int flags =
          (path.isEmpty() ? OpenFlags.AT_EMPTY_PATH : 0) | (recursive ? OpenFlags.AT_RECURSIVE : 0);
      long result =
          Libc.call(
              f,
              Sys.MOUNT_SETATTR,
              number(directory),
              f.path(path),
              flags,
              a.address(),
              Layouts.MOUNT_ATTR_SIZE);
      Libc.check(result, "mount_setattr", subject(directory, path));
    }
  }

  /**
   * mount(2). Null arguments are NULL. The kernel cuts {@code data} at a page, so it is refused
   * from 4,096 bytes on.
   */
  public static void mount(
      @Nullable String source,
      Path target,
      @Nullable String type,
      long flags,
      @Nullable String data)
      throws SyscallException {
    if (data != null && FileNames.encode(data).length >= 4096) {
      throw new SyscallException("mount", target + ": options longer than a page", Errno.EINVAL);
    }
    try (Frame f = Frame.open()) {
      long result =
          Libc.call(
              f,
              Sys.MOUNT,
              source == null ? 0 : f.path(source),
              f.path(target.toString()),
              type == null ? 0 : f.path(type),
              flags,
              data == null ? 0 : f.path(data));
      Libc.check(result, "mount" + (type == null ? "" : " " + type) + " on", target);
    }
  }

  /**
   * umount2(2). Can take long: platform threads only, unless {@code MNT_DETACH} is given and the
   * file system has nothing to write.
   *
   * @param flags of {@code MNT_DETACH}, {@code UMOUNT_NOFOLLOW} and the others of umount2(2)
   * @throws SyscallException EINVAL if nothing is mounted there, EBUSY if it is in use
   */
  public static void unmount(Path target, int flags) throws SyscallException {
    try (Frame f = Frame.open()) {
      Libc.check(Libc.call(f, Sys.UMOUNT2, f.path(target.toString()), flags), "umount", target);
    }
  }

  /**
   * pivot_root(2): makes a mount the root of the calling thread's mount namespace, which must be
   * its own, and moves the old root below it. With "." for both the old one lies above the new one.
   * Throw-away platform thread only.
   */
  public static void pivotRoot(String root, String old) throws SyscallException {
    try (Frame f = Frame.open()) {
      Libc.check(Libc.call(f, Sys.PIVOT_ROOT, f.path(root), f.path(old)), "pivot_root", root);
    }
  }

  /**
   * What statfs(2) tells of a file system.
   *
   * @param type the magic number of the file system, {@code *_MAGIC} in {@link MountFlags}
   * @param blockSize the size of a block in bytes; the next two are counted in blocks
   */
  public record FileSystemStatus(
      long type, long blockSize, long blocks, long availableBlocks, long files, long freeFiles) {
    /** Bytes that an ordinary user may still write. */
    public long availableBytes() {
      return availableBlocks * blockSize;
    }
  }

  /** The status of the file system that a path of the machine is on. */
  public static FileSystemStatus statfs(Path path) throws SyscallException {
    try (Frame f = Frame.open()) {
      MemorySegment s = f.allocate(Layouts.STATFS_SIZE);
      Libc.check(Libc.call(f, Sys.STATFS, f.path(path.toString()), s.address()), "statfs", path);
      return status(s);
    }
  }

  /** The status of the file system that a descriptor is on. */
  public static FileSystemStatus statfs(Fd fd) throws SyscallException {
    try (Frame f = Frame.open()) {
      MemorySegment s = f.allocate(Layouts.STATFS_SIZE);
      Libc.check(Libc.call(f, Sys.FSTATFS, fd.number(), s.address()), "statfs", fd.what());
      return status(s);
    }
  }

  private static FileSystemStatus status(MemorySegment s) {
    return new FileSystemStatus(
        s.get(Libc.LONG, Layouts.STATFS_TYPE),
        s.get(Libc.LONG, Layouts.STATFS_BLOCK_SIZE),
        s.get(Libc.LONG, Layouts.STATFS_BLOCKS),
        s.get(Libc.LONG, Layouts.STATFS_AVAILABLE),
        s.get(Libc.LONG, Layouts.STATFS_FILES),
        s.get(Libc.LONG, Layouts.STATFS_FREE_FILES));
  }

  private static int number(@Nullable Fd directory) {
    return directory == null ? OpenFlags.AT_FDCWD : directory.number();
  }

  private static String subject(@Nullable Fd directory, String path) {
    if (directory == null) {
      return path;
    }
    return path.isEmpty() ? directory.what() : directory.what() + "/" + path;
  }
}
