package io.berth.image.unpack;

import io.berth.base.error.BerthException;
import io.berth.base.tar.TarEntry;
import io.berth.base.tar.TarSink;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.FileStatus;
import io.berth.linux.FileTimestamp;
import io.berth.linux.OpenFlags;
import io.berth.linux.RootedFiles;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Makes an archive's members below a root. Every path is resolved by the kernel inside the root
 * (openat2, RESOLVE_IN_ROOT), so links of the archive lead nowhere else; nothing is ever followed
 * in a last component.
 *
 * <p>A later entry of a name replaces an earlier one, except that a directory is kept and gets the
 * later attributes. Times of directories are set last, for every file made in them moves these.
 * Belongs to one thread.
 */
final class TreeExtractor implements TarSink {
  /** Says how deletions are carried out. */
  enum Deletions {
    /** Deletions become overlayfs' marks, because the lower layers are elsewhere. */
    MARKED,
    /** Deletions are done at once, because the lower layers' files are in the root. */
    DONE,
    /** There are no deletions: the archive is no layer, and its names mean themselves. */
    UNKNOWN,
    /** There are no deletions, and a folder is not replaced by a file, nor a file by a folder. */
    UNKNOWN_KEEPING_KINDS;

    boolean areKnown() {
      return this == MARKED || this == DONE;
    }
  }

  private static final int MAX_DIRECTORY_CHARS = 64 << 20;

  private record LateDirectory(String path, int mode, FileTimestamp modified) {}

  private final RootedFiles files;
  private final Deletions deletions;
  private final LayerLimits limits;
  private final FileAttributes attributes;
  private final List<LateDirectory> late = new ArrayList<>();
  private final ParentDirectories parents;
  private final LayerDeletions layerDeletions;
  private boolean rootListed;
  private long entries;
  private long bytes;
  private boolean holes;
  private long directoryChars;
  private @Nullable Fd file;
  private @Nullable TarEntry current;
  private String currentPath = "";

  TreeExtractor(RootedFiles files, Deletions deletions, LayerLimits limits) {
    this.files = files;
    this.deletions = deletions;
    this.limits = limits;
    this.attributes = new FileAttributes(files, deletions != Deletions.MARKED);
    this.parents = new ParentDirectories(files);
    this.layerDeletions = new LayerDeletions(files, deletions == Deletions.MARKED, parents);
  }

  long entries() {
    return entries;
  }

  /**
   * The directories that no entry was about, outermost first. The root is one of them, as the empty
   * path, if no entry was about it.
   */
  List<String> implicitDirectories() {
    List<String> result = new ArrayList<>();
    if (!rootListed) {
      result.add("");
    }
    result.addAll(parents.implicit());
    return result;
  }

  boolean hidesRoot() {
    return layerDeletions.hidesRoot();
  }

  @Override
  public void entry(TarEntry entry) throws IOException {
    if (++entries > limits.entries()) {
      throw new BerthException.ResourceExhausted(
          "unpack layer: more than "
              + limits.entries()
              + " entries; raise `image.max_layer_entries` if that is meant");
    }
    // The holes of sparse files are no bytes of the archive, so they are counted here.
    bytes += Math.min(entry.size(), Long.MAX_VALUE - bytes);
    if (bytes > limits.bytes()) {
      throw LayerLimits.tooLarge(limits.bytes());
    }
    String path = EntryPath.of(entry.name(), entry.name());
    String base = EntryPath.base(path);
    current = entry;
    holes = false;
    currentPath = path;
    try {
      if (deletions.areKnown() && base.startsWith(Whiteouts.PREFIX)) {
        current = null;
        layerDeletions.apply(EntryPath.parent(path), base);
      } else if (path.isEmpty()) {
        current = null;
        root(entry);
      } else if (deletions.areKnown() && LayerDeletions.isMark(entry)) {
        current = null;
        layerDeletions.delete(path);
      } else {
        make(entry, path);
      }
    } catch (SyscallException e) {
      throw refused(entry, e);
    }
  }

  @Override
  public void content(MemorySegment part) throws IOException {
    TarEntry entry = current;
    if (file == null || entry == null) {
      return;
    }
    try {
      file.writeAll(part);
    } catch (SyscallException e) {
      throw refused(entry, e);
    }
  }

  @Override
  public void hole(long bytes) throws IOException {
    TarEntry entry = current;
    if (file == null || entry == null) {
      return;
    }
    try {
      file.skip(bytes);
      holes = true;
    } catch (SyscallException e) {
      throw refused(entry, e);
    }
  }

  @Override
  public void endOfEntry() throws IOException {
    TarEntry entry = current;
    current = null;
    if (entry == null) {
      return;
    }
    Fd fd = file;
    file = null;
    try (fd) {
      if (holes && fd != null) {
        // A hole at the end is made by the length alone.
        fd.truncate(entry.size());
      }
      switch (entry.type()) {
        case FILE -> attributes.ofFile(Objects.requireNonNull(fd), currentPath, entry);
        case HARD_LINK -> {}
        case DIRECTORY -> directoryDone(entry);
        case SYMBOLIC_LINK, CHARACTER_DEVICE, BLOCK_DEVICE, FIFO ->
            attributes.ofOther(currentPath, entry);
      }
    } catch (SyscallException e) {
      throw refused(entry, e);
    }
  }

  /** Ends the archive: sets what directories get last. */
  void finish() throws IOException {
    for (LateDirectory directory : late.reversed()) {
      String path = directory.path.isEmpty() ? "." : directory.path;
      try {
        attributes.ofDirectoryLate(path, directory.mode, directory.modified);
      } catch (SyscallException e) {
        // A later entry may have replaced the directory by something else.
        if (!e.is(Errno.ENOENT) && !e.is(Errno.ENOTDIR)) {
          throw e;
        }
      }
    }
  }

  /** Closes the file that a failure left open. */
  void abandon() {
    if (file != null) {
      file.close();
    }
  }

  private void root(TarEntry entry) throws SyscallException {
    if (entry.type() != TarEntry.Type.DIRECTORY) {
      throw new BerthException.InvalidArgument(
          "unpack `" + EntryPath.shown(entry.name()) + "`: the root can only be a directory");
    }
    rootListed = true;
    attributes.ofDirectory(".", entry);
    addLate(new LateDirectory("", entry.mode(), entry.modified()));
  }

  private void make(TarEntry entry, String path) throws SyscallException {
    if (deletions == Deletions.DONE) {
      parents.clearWay(path);
      makeOnce(entry, path);
      parents.made(path);
    } else {
      try {
        makeOnce(entry, path);
      } catch (SyscallException e) {
        if (!e.is(Errno.ENOENT) && !e.is(Errno.ENOTDIR)) {
          throw e;
        }
        // Parents that no entry listed are made only after a failure, for most are there already.
        if (entry.type() == TarEntry.Type.HARD_LINK
            && files.statusOrNull(linkTarget(entry)) == null) {
          throw new BerthException.InvalidArgument(
              "unpack `"
                  + EntryPath.shown(entry.name())
                  + "`: hard link to `"
                  + EntryPath.shown(entry.linkName())
                  + "`, which is not in this layer",
              e);
        }
        parents.make(path, entry.name());
        makeOnce(entry, path);
      }
    }
    parents.listed(path);
  }

  private void makeOnce(TarEntry entry, String path) throws SyscallException {
    try {
      makeNew(entry, path);
    } catch (SyscallException e) {
      if (!e.is(Errno.EEXIST)) {
        throw e;
      }
      replace(entry, path);
    }
  }

  private void replace(TarEntry entry, String path) throws SyscallException {
    FileStatus there = files.status(path);
    boolean whiteout = Whiteouts.isWhiteout(there);
    boolean directory = entry.type() == TarEntry.Type.DIRECTORY;
    if (there.isDirectory() && directory) {
      return;
    }
    if (!deletions.areKnown() && directory && files.isDirectory(path)) {
      // A link to a folder stays, and serves as the folder.
      current = null;
      return;
    }
    if (deletions == Deletions.UNKNOWN_KEEPING_KINDS && there.isDirectory() != directory) {
      throw new BerthException.FailedPrecondition(
          directory
              ? "cannot overwrite non-directory `" + EntryPath.shown(path) + "` with directory"
              : "cannot overwrite directory `" + EntryPath.shown(path) + "` with non-directory");
    }
    if (entry.type() == TarEntry.Type.HARD_LINK && linkTarget(entry).equals(path)) {
      throw new BerthException.InvalidArgument(
          "unpack `" + EntryPath.shown(entry.name()) + "`: hard link to itself");
    }
    try {
      files.removeTree(path);
    } catch (SyscallException e) {
      if (!e.is(Errno.EBUSY)
          || deletions.areKnown()
          || entry.type() != TarEntry.Type.FILE
          || !there.isRegular()) {
        throw e;
      }
      // A file is mounted there, so it cannot be replaced; it takes the content instead.
      file = files.open(path, OpenFlags.O_WRONLY | OpenFlags.O_TRUNC | OpenFlags.O_NOFOLLOW);
      return;
    }
    makeNew(entry, path);
    if (entry.type() == TarEntry.Type.DIRECTORY
        && (whiteout || layerDeletions.superseded(path))
        && deletions == Deletions.MARKED) {
      // The deletion still holds for what the lower layers have in it.
      Whiteouts.makeOpaque(files, path);
    }
  }

  private void makeNew(TarEntry entry, String path) throws SyscallException {
    switch (entry.type()) {
      case FILE -> file = files.create(path, entry.mode() & 0777);
      case DIRECTORY -> files.makeDirectory(path, entry.mode() & 0777);
      case SYMBOLIC_LINK -> files.symbolicLink(path, symbolicTarget(entry));
      case HARD_LINK -> files.hardLink(path, linkTarget(entry));
      case FIFO ->
          files.makeNode(
              path, OpenFlags.S_IFIFO | (entry.mode() & 0777), new FileStatus.Device(0, 0));
      case CHARACTER_DEVICE -> device(entry, path, OpenFlags.S_IFCHR);
      case BLOCK_DEVICE -> device(entry, path, OpenFlags.S_IFBLK);
    }
  }

  private void device(TarEntry entry, String path, int type) throws SyscallException {
    files.makeNode(
        path,
        type | (entry.mode() & 0777),
        new FileStatus.Device(entry.deviceMajor(), entry.deviceMinor()));
  }

  private static String symbolicTarget(TarEntry entry) {
    if (entry.linkName().isEmpty()) {
      throw new BerthException.InvalidArgument(
          "unpack `" + EntryPath.shown(entry.name()) + "`: symbolic link to nothing");
    }
    return entry.linkName();
  }

  private static String linkTarget(TarEntry entry) {
    String target =
        EntryPath.of(entry.linkName(), entry.name() + "` linked to `" + entry.linkName());
    if (target.isEmpty()) {
      throw new BerthException.InvalidArgument(
          "unpack `" + EntryPath.shown(entry.name()) + "`: hard link to nothing");
    }
    return target;
  }

  private void directoryDone(TarEntry entry) throws SyscallException {
    attributes.ofDirectory(currentPath, entry);
    addLate(new LateDirectory(currentPath, entry.mode(), entry.modified()));
  }

  private void addLate(LateDirectory directory) {
    directoryChars += directory.path.length() + 64L;
    if (directoryChars > MAX_DIRECTORY_CHARS) {
      throw new BerthException.ResourceExhausted(
          "unpack layer: the names of its directories take more than "
              + MAX_DIRECTORY_CHARS
              + " bytes");
    }
    late.add(directory);
  }

  private static BerthException refused(TarEntry entry, SyscallException e) {
    String what = "unpack `" + EntryPath.shown(entry.name()) + "`: ";
    return switch (e.errno()) {
      case ENOSPC, EDQUOT ->
          new BerthException.ResourceExhausted(
              what + "the disk is full or out of inodes; free space there", e);
      case ELOOP, ENAMETOOLONG, EXDEV, EINVAL, EFBIG ->
          new BerthException.InvalidArgument(what + e.getMessage(), e);
      case ENOENT, ENOTDIR ->
          entry.type() == TarEntry.Type.HARD_LINK
              ? new BerthException.InvalidArgument(
                  what
                      + "hard link to `"
                      + EntryPath.shown(entry.linkName())
                      + "`, which is not in this layer",
                  e)
              : new BerthException.InvalidArgument(what + e.getMessage(), e);
      case EROFS ->
          new BerthException.FailedPrecondition(
              what + "what is mounted there is marked read-only", e);
      case EPERM, EACCES -> new BerthException.PermissionDenied(what + e.getMessage(), e);
      default -> new BerthException.Internal(what + e.getMessage(), e);
    };
  }

  /** Whether an archive may set an attribute; those of overlayfs it may not. */
  static boolean isAllowed(Map.Entry<String, byte[]> attribute) {
    return !attribute.getKey().startsWith(Whiteouts.OVERLAY_ATTRIBUTES)
        && !attribute.getKey().startsWith("user.overlay.");
  }
}
