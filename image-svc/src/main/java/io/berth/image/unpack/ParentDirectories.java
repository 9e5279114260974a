package io.berth.image.unpack;

import io.berth.base.error.BerthException;
import io.berth.linux.Errno;
import io.berth.linux.FileStatus;
import io.berth.linux.RootedFiles;
import io.berth.linux.SyscallException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Makes the directories on the way to an archive's entries, and remembers which of them the archive
 * itself did not list. Belongs to one thread.
 */
final class ParentDirectories {
  private static final int MODE = 0755;

  private final RootedFiles files;

  /** Directories that were made only because a path needed them, outermost first. */
  private final Set<String> implicit = new LinkedHashSet<>();

  /**
   * What this layer has made, in a root that holds the lower layers' files as well: its own
   * deletions spare it.
   */
  private final Set<String> made = new HashSet<>();

  ParentDirectories(RootedFiles files) {
    this.files = files;
  }

  /** The directories that no entry was about. */
  List<String> implicit() {
    return List.copyOf(implicit);
  }

  /** An entry is about this path, so it is not implicit. */
  void listed(String path) {
    implicit.remove(path);
  }

  /** This layer has made what stands at the path. */
  void made(String path) {
    made.add(path);
  }

  /** Whether this layer has made what stands at the path. */
  boolean isMade(String path) {
    return made.contains(path);
  }

  /**
   * Makes the directories that are missing on the way to a path; what stands in the way and is only
   * the mark of a deletion gives way.
   *
   * @param subject the entry's name, for messages
   * @throws BerthException INVALID_ARGUMENT when a file of this layer stands in the way
   */
  void make(String path, String subject) throws SyscallException {
    String parent = EntryPath.parent(path);
    try {
      implicit.addAll(files.makeDirectories(parent, MODE));
    } catch (SyscallException e) {
      if (!e.is(Errno.ENOTDIR) && !e.is(Errno.EEXIST)) {
        throw e;
      }
      for (String prefix = ""; !prefix.equals(parent); ) {
        prefix = parent.substring(0, nextSlash(parent, prefix));
        makeOne(prefix, subject, e);
      }
    }
  }

  private void makeOne(String path, String subject, SyscallException cause)
      throws SyscallException {
    FileStatus there = files.statusOrNull(path);
    if (there == null) {
      files.makeDirectory(path, MODE);
      implicit.add(path);
    } else if (Whiteouts.isWhiteout(there)) {
      files.unlink(path);
      files.makeDirectory(path, MODE);
      // The directory of the layers below is deleted, so its attributes are not this one's.
      Whiteouts.makeOpaque(files, path);
    } else if (there.isSymbolicLink() && !files.isDirectory(path)) {
      implicit.addAll(files.makeDirectories(danglingTarget(path), MODE));
    } else if (!there.isSymbolicLink() && !there.isDirectory()) {
      throw new BerthException.InvalidArgument(
          "unpack `"
              + EntryPath.shown(subject)
              + "`: `"
              + EntryPath.shown(path)
              + "` is no directory in this layer",
          cause);
    }
  }

  private static int nextSlash(String path, String prefix) {
    int slash = path.indexOf('/', prefix.isEmpty() ? 0 : prefix.length() + 1);
    return slash < 0 ? path.length() : slash;
  }

  /**
   * Where a link of this layer leads to that has nothing there yet; {@code ..} stays inside the
   * root.
   */
  private String danglingTarget(String link) throws SyscallException {
    String target = files.readLink(link);
    List<String> parts = new ArrayList<>();
    String whole = target.startsWith("/") ? target : EntryPath.parent(link) + "/" + target;
    for (String part : whole.split("/", -1)) {
      if (part.equals("..")) {
        if (!parts.isEmpty()) {
          parts.removeLast();
        }
      } else if (!part.isEmpty() && !part.equals(".")) {
        parts.add(part);
      }
    }
    return String.join("/", parts);
  }

  /**
   * Makes the directories on the way to a path in a root that holds the lower layers' files as
   * well: a parent that is no directory, or a link that this layer has not made itself, is
   * replaced, as overlayfs would hide it.
   */
  void clearWay(String path) throws SyscallException {
    String parent = EntryPath.parent(path);
    if (parent.isEmpty() || made.contains(parent)) {
      return;
    }
    for (String prefix = ""; !prefix.equals(parent); ) {
      prefix = parent.substring(0, nextSlash(parent, prefix));
      if (made.contains(prefix)) {
        continue;
      }
      FileStatus there = files.statusOrNull(prefix);
      if (there != null && !there.isDirectory()) {
        files.unlink(prefix);
        there = null;
      }
      if (there == null) {
        files.makeDirectory(prefix, MODE);
        implicit.add(prefix);
      }
      made.add(prefix);
    }
  }
}
