package io.berth.image.tree;

import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.FileStatus;
import io.berth.linux.OpenFlags;
import io.berth.linux.RootedFiles;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Copies a folder with everything: owners, modes, attributes, times, hard links, devices. Neither
 * side's links are followed.
 */
public final class TreeCopy {
  private final MergedTree from;
  private final RootedFiles to;
  private final MemorySegment buffer;
  private final Map<Inode, String> linked = new HashMap<>();
  private final List<Folder> folders = new ArrayList<>();
  private long entries;

  /**
   * Identifies a file that has several names. The device is a part of it, for a tree may have other
   * file systems mounted in it.
   */
  private record Inode(int layer, FileStatus.Device device, long number) {}

  /**
   * A folder that is copied.
   *
   * @param path of the copy
   */
  private record Folder(MergedTree.Node node, String path) {
    String child(String name) {
      return path.equals(".") ? name : path + "/" + name;
    }
  }

  private TreeCopy(MergedTree from, RootedFiles to, MemorySegment buffer) {
    this.from = from;
    this.to = to;
    this.buffer = buffer;
  }

  /** Copies a whole tree. The target exists and is empty. */
  public static void copy(Path source, Path target) throws IOException {
    try (MergedTree from = MergedTree.open(List.of(source), /* layered= */ false)) {
      var _ = copy(from, from.root(), target);
    }
  }

  /**
   * Copies what is in a folder, and makes the target like that folder. Answers the number of
   * entries. The target exists and is empty; after a failure it holds a part.
   */
  public static long copy(MergedTree from, MergedTree.Node folder, Path target) throws IOException {
    try (RootedFiles to = RootedFiles.open(target, RootedFiles.Confinement.BENEATH)) {
      return copy(from, folder, to);
    }
  }

  /** The same into a folder that is open, for one that others could put a link in place of. */
  public static long copy(MergedTree from, MergedTree.Node folder, RootedFiles target)
      throws IOException {
    try (Arena arena = Arena.ofShared()) {
      return new TreeCopy(from, target, arena.allocate(256 << 10)).run(folder);
    }
  }

  private long run(MergedTree.Node top) throws SyscallException {
    Deque<Folder> open = new ArrayDeque<>();
    open.push(new Folder(top, "."));
    while (!open.isEmpty()) {
      Folder folder = open.pop();
      folders.add(folder);
      for (MergedTree.Node node : from.children(folder.node)) {
        String path = folder.child(node.name());
        entries++;
        if (node.status().isDirectory()) {
          to.makeDirectory(path, 0700);
          open.push(new Folder(node, path));
        } else {
          file(node, path);
        }
      }
    }
    // A file that is made in a directory changes the time of that directory, so the times of
    // directories are set last, those of inner ones first.
    for (Folder folder : folders.reversed()) {
      FileStatus status = folder.node.status();
      try (Fd fd = to.open(folder.path, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY)) {
        fd.changeOwner(status.uid(), status.gid());
        attributes(folder.node, folder.path);
        fd.changeMode(status.permissions());
        fd.setTimes(status.accessed(), status.modified());
      }
    }
    return entries;
  }

  private void file(MergedTree.Node node, String path) throws SyscallException {
    FileStatus status = node.status();
    if (status.links() > 1) {
      String first =
          linked.putIfAbsent(new Inode(node.layer(), status.device(), status.inode()), path);
      if (first != null) {
        to.hardLink(path, first);
        return;
      }
    }
    switch (status.type()) {
      case OpenFlags.S_IFREG -> content(node, path);
      case OpenFlags.S_IFLNK -> to.symbolicLink(path, from.readLink(node));
      default -> to.makeNode(path, status.mode(), status.special());
    }
    to.changeOwner(path, status.uid(), status.gid());
    attributes(node, path);
    if (!status.isSymbolicLink()) {
      to.changeMode(path, status.permissions());
    }
    to.setTimes(path, status.accessed(), status.modified());
  }

  private void content(MergedTree.Node node, String path) throws SyscallException {
    try (Fd in = from.open(node);
        Fd out = to.create(path, 0600)) {
      for (int count = in.read(buffer); count > 0; count = in.read(buffer)) {
        out.writeAll(buffer.asSlice(0, count));
      }
    }
  }

  private void attributes(MergedTree.Node node, String path) throws SyscallException {
    for (Map.Entry<String, byte[]> attribute : from.attributes(node).entrySet()) {
      try {
        to.setAttribute(path, attribute.getKey(), attribute.getValue());
      } catch (SyscallException e) {
        if (!e.is(Errno.EOPNOTSUPP)) {
          throw e;
        }
      }
    }
  }
}
