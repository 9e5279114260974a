package io.berth.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The files below a directory, by paths that come from outside. No path leads out of it, whatever
 * links and {@code ..} it is made of and whoever changes the tree meanwhile: the kernel resolves
 * each with openat2(2). Magic links (those of /proc) are refused.
 *
 * <p>With {@link Confinement#IN_ROOT} the directory is a root as after chroot: absolute paths and
 * absolute links start there. With {@link Confinement#BENEATH} whatever would lead out is refused
 * with EXDEV.
 *
 * <p>A method that makes, removes, renames or changes something never follows a link in the path's
 * last component; links before it are followed inside the root. {@code ..} or nothing as the last
 * component is refused with EINVAL.
 *
 * <p>Safe for use by several threads. Its calls return quickly, apart from {@link #removeTree}. The
 * root's descriptor is borrowed or owned, as the factory says.
 */
public final class RootedFiles implements AutoCloseable {
  /** Decides what happens to a path that would lead out. */
  public enum Confinement {
    /** The path stays at the root. */
    IN_ROOT(OpenFlags.RESOLVE_IN_ROOT),
    /** The path is refused. */
    BENEATH(OpenFlags.RESOLVE_BENEATH);

    private final int resolve;

    Confinement(int resolve) {
      this.resolve = resolve | OpenFlags.RESOLVE_NO_MAGICLINKS;
    }
  }

  private static final int MAX_ATTRIBUTE_BYTES = 64 * 1024;

  private final Fd root;
  private final boolean owned;
  private final RootedPaths paths;

  private RootedFiles(Fd root, boolean owned, Confinement confinement) {
    this.root = root;
    this.owned = owned;
    this.paths = new RootedPaths(root, confinement.resolve);
  }

  /** Opens a directory of the host's as the root; closed with this. */
  public static RootedFiles open(Path directory, Confinement confinement) throws SyscallException {
    Fd fd = Fd.open(directory, OpenFlags.O_PATH | OpenFlags.O_DIRECTORY);
    return new RootedFiles(fd, true, confinement);
  }

  /**
   * Takes a descriptor of a directory (an {@code O_PATH} one will do) as the root; it stays the
   * caller's.
   */
  public static RootedFiles at(Fd directory, Confinement confinement) {
    return new RootedFiles(directory, false, confinement);
  }

  /** The root's descriptor. */
  public Fd root() {
    return root;
  }

  /** Opens what exists; {@code O_NOFOLLOW} refuses a link in the last component with ELOOP. */
  public Fd open(String path, int flags) throws SyscallException {
    return open(path, flags, 0);
  }

  /**
   * Opens, and with {@code O_CREAT} makes; the mode is cut by the umask. A fifo can block: give
   * {@code O_NONBLOCK}.
   */
  public Fd open(String path, int flags, int mode) throws SyscallException {
    try (Frame f = Frame.open()) {
      long result = paths.open(f, path, flags, mode);
      return Fd.adopt((int) paths.check(result, "open", path), path);
    }
  }

  /**
   * Makes a new regular file and opens it for writing; EEXIST if there is anything of that name, be
   * it a dangling link.
   */
  public Fd create(String path, int mode) throws SyscallException {
    return open(
        path,
        OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_EXCL | OpenFlags.O_NOFOLLOW,
        mode);
  }

  /**
   * Makes one directory; its mode is cut by the umask. EEXIST if there is anything of that name.
   */
  public void makeDirectory(String path, int mode) throws SyscallException {
    try (Frame f = Frame.open();
        RootedPaths.Place place = paths.place(f, path, "mkdir")) {
      paths.check(Libc.call(f, Sys.MKDIRAT, place.directory, place.name, mode), "mkdir", path);
    }
  }

  /**
   * Makes a directory and those missing on the way to it. A component that is there is followed if
   * it is a link.
   *
   * @return the paths of those made, outermost first, relative to the root; empty if all were there
   * @throws SyscallException ENOTDIR or EEXIST if something else is in the way
   */
  public List<String> makeDirectories(String path, int mode) throws SyscallException {
    if (isDirectory(path)) {
      return List.of();
    }
    List<String> made = new ArrayList<>();
    StringBuilder prefix = new StringBuilder(path.length());
    for (String part : path.split("/+", -1)) {
      if (part.isEmpty() || part.equals(".")) {
        continue;
      }
      prefix.append(prefix.isEmpty() ? "" : "/").append(part);
      String here = prefix.toString();
      if (part.equals("..") || isDirectory(here)) {
        continue;
      }
      try {
        makeDirectory(here, mode);
        made.add(here);
      } catch (SyscallException e) {
        // EEXIST: somebody else made it meanwhile, or it is no directory, which is looked up.
        if (!e.is(Errno.EEXIST) || !isDirectory(here)) {
          throw e;
        }
      }
    }
    return made;
  }

  /** Whether the path, links followed, is a directory. */
  public boolean isDirectory(String path) throws SyscallException {
    try (Frame f = Frame.open()) {
      long result = paths.open(f, path, OpenFlags.O_PATH | OpenFlags.O_DIRECTORY, 0);
      if (result >= 0) {
        RootedPaths.closeNumber(f, result);
        return true;
      }
      if (result == -Errno.ENOENT.number() || result == -Errno.ENOTDIR.number()) {
        return false;
      }
      throw new SyscallException("open", paths.subject(path), (int) -result);
    }
  }

  /** Makes a symbolic link; its content is not looked at. */
  public void symbolicLink(String path, String content) throws SyscallException {
    try (Frame f = Frame.open();
        RootedPaths.Place place = paths.place(f, path, "symlink")) {
      paths.check(
          Libc.call(f, Sys.SYMLINKAT, f.path(content), place.directory, place.name),
          "symlink",
          path);
    }
  }

  /** Makes a hard link to what stands at {@code existing}, be it a symbolic link. */
  public void hardLink(String path, String existing) throws SyscallException {
    try (Frame f = Frame.open();
        RootedPaths.Place from = paths.place(f, existing, "link");
        RootedPaths.Place to = paths.place(f, path, "link")) {
      long result = Libc.call(f, Sys.LINKAT, from.directory, from.name, to.directory, to.name, 0);
      paths.check(result, "link " + existing + " to", path);
    }
  }

  /** Makes a fifo, a device node or an empty file; the mode's permissions are cut by the umask. */
  public void makeNode(String path, int mode, FileStatus.Device device) throws SyscallException {
    try (Frame f = Frame.open();
        RootedPaths.Place place = paths.place(f, path, "mknod")) {
      paths.check(
          Libc.call(f, Sys.MKNODAT, place.directory, place.name, mode, device.packed()),
          "mknod",
          path);
    }
  }

  /** Removes a name that is no directory. */
  public void unlink(String path) throws SyscallException {
    try (Frame f = Frame.open();
        RootedPaths.Place place = paths.place(f, path, "unlink")) {
      paths.check(Libc.call(f, Sys.UNLINKAT, place.directory, place.name, 0), "unlink", path);
    }
  }

  /** Removes an empty directory. */
  public void removeDirectory(String path) throws SyscallException {
    try (Frame f = Frame.open();
        RootedPaths.Place place = paths.place(f, path, "rmdir")) {
      paths.check(
          Libc.call(f, Sys.UNLINKAT, place.directory, place.name, OpenFlags.AT_REMOVEDIR),
          "rmdir",
          path);
    }
  }

  /**
   * Renames inside the root.
   *
   * @param flags {@code RENAME_NOREPLACE}, {@code RENAME_EXCHANGE}, or 0
   */
  public void rename(String from, String to, int flags) throws SyscallException {
    try (Frame f = Frame.open();
        RootedPaths.Place source = paths.place(f, from, "rename");
        RootedPaths.Place target = paths.place(f, to, "rename")) {
      long result =
          Libc.call(
              f,
              Sys.RENAMEAT2,
              source.directory,
              source.name,
              target.directory,
              target.name,
              flags);
      paths.check(result, "rename " + from + " to", to);
    }
  }

  /**
   * Changes owner and group of what stands there, be it a link; -1 leaves one as it is. Clears
   * set-id bits.
   */
  public void changeOwner(String path, int uid, int gid) throws SyscallException {
    try (Frame f = Frame.open();
        RootedPaths.Place place = paths.place(f, path, "chown")) {
      paths.check(
          Libc.call(
              f,
              Sys.FCHOWNAT,
              place.directory,
              place.name,
              uid,
              gid,
              OpenFlags.AT_SYMLINK_NOFOLLOW | OpenFlags.AT_EMPTY_PATH),
          "chown",
          path);
    }
  }

  /** Sets the twelve bits of permissions; EOPNOTSUPP for a link. */
  public void changeMode(String path, int mode) throws SyscallException {
    try (Frame f = Frame.open();
        RootedPaths.Place place = paths.place(f, path, "chmod")) {
      long result =
          KernelFeature.FCHMODAT2.inUse()
              ? Libc.call(
                  f,
                  Sys.FCHMODAT2,
                  place.directory,
                  place.name,
                  mode,
                  OpenFlags.AT_SYMLINK_NOFOLLOW | OpenFlags.AT_EMPTY_PATH)
              : changeModeByLink(f, path, mode);
      paths.check(result, "chmod", path);
    }
  }

  /**
   * By the descriptor's link in /proc, which leads to the file itself, never to what a link there
   * names.
   */
  private long changeModeByLink(Frame f, String path, int mode) throws SyscallException {
    try (Fd fd = open(path, OpenFlags.O_PATH | OpenFlags.O_NOFOLLOW)) {
      if (fd.status().isSymbolicLink()) {
        return -Errno.EOPNOTSUPP.number();
      }
      return Libc.call(f, Sys.FCHMODAT, OpenFlags.AT_FDCWD, f.path(fd.procPath()), mode);
    }
  }

  /** Sets the times of what stands there, be it a link. */
  public void setTimes(String path, FileTimestamp access, FileTimestamp modification)
      throws SyscallException {
    try (Frame f = Frame.open();
        RootedPaths.Place place = paths.place(f, path, "utimensat")) {
      long times = FileTimestamp.pair(f, access, modification);
      paths.check(
          Libc.call(
              f,
              Sys.UTIMENSAT,
              place.directory,
              place.name,
              times,
              OpenFlags.AT_SYMLINK_NOFOLLOW | OpenFlags.AT_EMPTY_PATH),
          "utimensat",
          path);
    }
  }

  /** The status of what stands there, be it a link. */
  public FileStatus status(String path) throws SyscallException {
    try (Fd fd = open(path, OpenFlags.O_PATH | OpenFlags.O_NOFOLLOW)) {
      return fd.status();
    }
  }

  /** As {@link #status}, null if there is nothing (ENOENT, ENOTDIR). */
  public @Nullable FileStatus statusOrNull(String path) throws SyscallException {
    try (Frame f = Frame.open()) {
      long result = paths.open(f, path, OpenFlags.O_PATH | OpenFlags.O_NOFOLLOW, 0);
      if (result == -Errno.ENOENT.number() || result == -Errno.ENOTDIR.number()) {
        return null;
      }
      try (Fd fd = Fd.adopt((int) paths.check(result, "open", path), path)) {
        return fd.status();
      }
    }
  }

  /** The content of a symbolic link; EINVAL if it is none. */
  public String readLink(String path) throws SyscallException {
    try (Fd fd = open(path, OpenFlags.O_PATH | OpenFlags.O_NOFOLLOW);
        Frame f = Frame.open()) {
      MemorySegment content = f.raw(4096);
      long result =
          Libc.call(
              f, Sys.READLINKAT, fd.number(), f.path(""), content.address(), content.byteSize());
      // readlinkat(2) says ENOENT for a descriptor of anything but a link.
      if (result == -Errno.ENOENT.number()) {
        result = -Errno.EINVAL.number();
      }
      return FileNames.decode(content, 0, (int) paths.check(result, "readlink", path));
    }
  }

  /** The entries of a directory; links to it are followed. */
  public List<DirectoryEntry> list(String path) throws SyscallException {
    try (Fd fd = open(path, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY)) {
      return DirectoryReader.list(fd);
    }
  }

  /** Sets an extended attribute of what stands there, be it a link. */
  public void setAttribute(String path, String name, byte[] value) throws SyscallException {
    try (Fd fd = open(path, OpenFlags.O_PATH | OpenFlags.O_NOFOLLOW);
        Frame f = Frame.open()) {
      long result =
          Libc.call(
              f,
              Sys.SETXATTR,
              f.path(fd.procPath()),
              f.path(name),
              f.bytes(value),
              value.length,
              0);
      paths.check(result, "setxattr " + name + " of", path);
    }
  }

  /**
   * An extended attribute of what stands there, be it a link; null if it has none of that name
   * (ENODATA).
   */
  public byte @Nullable [] attribute(String path, String name) throws SyscallException {
    try (Fd fd = open(path, OpenFlags.O_PATH | OpenFlags.O_NOFOLLOW);
        Frame f = Frame.open()) {
      MemorySegment value = f.raw(MAX_ATTRIBUTE_BYTES);
      long result =
          Libc.call(
              f,
              Sys.GETXATTR,
              f.path(fd.procPath()),
              f.path(name),
              value.address(),
              value.byteSize());
      if (result == -Errno.ENODATA.number()) {
        return null;
      }
      long length = paths.check(result, "getxattr " + name + " of", path);
      return value.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
    }
  }

  /**
   * The names of all extended attributes of what stands there, be it a link; empty where the file
   * system has none.
   */
  public List<String> attributes(String path) throws SyscallException {
    try (Fd fd = open(path, OpenFlags.O_PATH | OpenFlags.O_NOFOLLOW);
        Frame f = Frame.open()) {
      MemorySegment names = f.raw(MAX_ATTRIBUTE_BYTES);
      long result =
          Libc.call(f, Sys.LISTXATTR, f.path(fd.procPath()), names.address(), names.byteSize());
      if (result == -Errno.EOPNOTSUPP.number()) {
        return List.of();
      }
      int length = (int) paths.check(result, "listxattr", path);
      return length == 0
          ? List.of()
          : Arrays.asList(FileNames.decode(names, 0, length - 1).split("\0"));
    }
  }

  /**
   * Removes what stands there with everything in it, never following a link and never crossing into
   * another mount (EBUSY, EXDEV). Nothing there is no error. Takes 30 µs for each file: platform
   * threads only, if it may be large.
   */
  public void removeTree(String path) throws SyscallException {
    try (Frame f = Frame.open()) {
      RootedPaths.Place place;
      try {
        place = paths.place(f, path, "remove");
      } catch (SyscallException e) {
        if (e.is(Errno.ENOENT) || e.is(Errno.ENOTDIR)) {
          return;
        }
        throw e;
      }
      try (place) {
        TreeRemoval.remove(place.directory, FileNames.lastOf(path), paths.subject(path));
      }
    }
  }

  /** Removes everything in the root, not the root itself. See {@link #removeTree}. */
  public void clear() throws SyscallException {
    try (Fd fd = open(".", OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY)) {
      TreeRemoval.clear(fd.number(), root.what());
    }
  }

  @Override
  public void close() {
    if (owned) {
      root.close();
    }
  }
}
