package io.berth.image.unpack;

import io.berth.base.error.BerthException;
import io.berth.base.tar.TarEntry;
import io.berth.linux.Errno;
import io.berth.linux.FileStatus;
import io.berth.linux.RootedFiles;
import io.berth.linux.SyscallException;
import java.util.HashSet;
import java.util.Set;

/**
 * Carries out what a layer deletes of the layers below it: by overlayfs' marks where these are
 * elsewhere, by removing files where they are in the same root. Belongs to one thread.
 */
final class LayerDeletions {
  private final RootedFiles files;
  private final boolean marked;
  private final ParentDirectories parents;

  /** Paths where this layer has put the mark of a deletion. */
  private final Set<String> whiteouts = new HashSet<>();

  private boolean hidesRoot;

  /**
   * @param marked whether the lower layers are elsewhere, so that a mark has to be left
   */
  LayerDeletions(RootedFiles files, boolean marked, ParentDirectories parents) {
    this.files = files;
    this.marked = marked;
    this.parents = parents;
  }

  /** Whether everything that the lower layers have in the root is deleted. */
  boolean hidesRoot() {
    return hidesRoot;
  }

  /** Whether an entry of a layer is overlayfs' own mark, which some packers archive as it is. */
  static boolean isMark(TarEntry entry) {
    return entry.type() == TarEntry.Type.CHARACTER_DEVICE
        && entry.deviceMajor() == 0
        && entry.deviceMinor() == 0;
  }

  /**
   * A file comes where the mark of a deletion of this layer stands; the mark has been removed.
   *
   * @return whether there was one
   */
  boolean superseded(String path) {
    return whiteouts.remove(path);
  }

  /**
   * Deletes what an entry says whose name begins with {@link Whiteouts#PREFIX}.
   *
   * @throws BerthException INVALID_ARGUMENT for one that deletes no name
   */
  void apply(String parent, String base) throws SyscallException {
    if (base.equals(Whiteouts.OPAQUE)) {
      hide(parent);
      return;
    }
    // Other names with a doubled prefix are aufs' own bookkeeping, such as .wh..wh.plnk (OCI
    // image-spec, layer.md, Whiteouts).
    if (base.startsWith(Whiteouts.PREFIX + Whiteouts.PREFIX)) {
      return;
    }
    String name = base.substring(Whiteouts.PREFIX.length());
    if (name.isEmpty() || name.equals(".") || name.equals("..")) {
      throw new BerthException.InvalidArgument(
          "unpack `" + EntryPath.shown(EntryPath.join(parent, base)) + "`: it deletes no name");
    }
    delete(EntryPath.join(parent, name));
  }

  /** Deletes what the lower layers have at a path. */
  void delete(String path) throws SyscallException {
    if (!marked) {
      removeUnlessMade(path);
      return;
    }
    FileStatus there = files.statusOrNull(path);
    if (there == null) {
      try {
        Whiteouts.make(files, path);
      } catch (SyscallException e) {
        if (!e.is(Errno.ENOENT) && !e.is(Errno.ENOTDIR)) {
          throw e;
        }
        parents.make(path, path);
        Whiteouts.make(files, path);
      }
      whiteouts.add(path);
    } else if (there.isDirectory()) {
      Whiteouts.makeOpaque(files, path);
    }
  }

  private void hide(String parent) throws SyscallException {
    if (!marked) {
      if (parent.isEmpty() || files.isDirectory(parent)) {
        clearLower(parent);
      }
      return;
    }
    if (parent.isEmpty()) {
      // Overlayfs does not look at the attribute on the root of a layer.
      hidesRoot = true;
      return;
    }
    if (!files.isDirectory(parent)) {
      parents.make(parent + "/x", parent);
    }
    Whiteouts.makeOpaque(files, parent);
  }

  private void clearLower(String parent) throws SyscallException {
    for (var child : files.list(parent.isEmpty() ? "." : parent)) {
      removeUnlessMade(EntryPath.join(parent, child.name()));
    }
  }

  private void removeUnlessMade(String path) throws SyscallException {
    FileStatus there = files.statusOrNull(path);
    if (there == null) {
      return;
    }
    if (!parents.isMade(path)) {
      files.removeTree(path);
    } else if (there.isDirectory()) {
      clearLower(path);
    }
  }
}
