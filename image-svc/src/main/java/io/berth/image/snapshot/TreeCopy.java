package io.berth.image.snapshot;

import io.berth.linux.DirectoryEntry;
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
 * Copies a tree with everything: owners, modes, attributes, times, hard links, devices. Neither
 * side's links are followed.
 */
final class TreeCopy {
  private final RootedFiles from;
  private final RootedFiles to;
  private final MemorySegment buffer;
  private final Map<Long, String> linked = new HashMap<>();
  private final List<String> directories = new ArrayList<>();

  private TreeCopy(RootedFiles from, RootedFiles to, MemorySegment buffer) {
    this.from = from;
    this.to = to;
    this.buffer = buffer;
  }

  /** The target exists and is empty. */
  static void copy(Path source, Path target) throws IOException {
    try (RootedFiles from = RootedFiles.open(source, RootedFiles.Confinement.BENEATH);
        RootedFiles to = RootedFiles.open(target, RootedFiles.Confinement.BENEATH);
        Arena arena = Arena.ofShared()) {
      new TreeCopy(from, to, arena.allocate(256 << 10)).run();
    }
  }

  private void run() throws SyscallException {
    Deque<String> open = new ArrayDeque<>();
    open.push(".");
    while (!open.isEmpty()) {
      String directory = open.pop();
      directories.add(directory);
      for (DirectoryEntry entry : from.list(directory)) {
        String path = directory.equals(".") ? entry.name() : directory + "/" + entry.name();
        FileStatus status = from.status(path);
        if (status.isDirectory()) {
          to.makeDirectory(path, 0700);
          open.push(path);
        } else {
          file(path, status);
        }
      }
    }
    // Every file made in a directory moves its time: last, and the inner before the outer ones.
    for (String directory : directories.reversed()) {
      FileStatus status = from.status(directory);
      try (Fd fd = to.open(directory, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY)) {
        fd.changeOwner(status.uid(), status.gid());
        if (!directory.equals(".")) {
          attributes(directory);
        }
        fd.changeMode(status.permissions());
        fd.setTimes(status.accessed(), status.modified());
      }
    }
  }

  private void file(String path, FileStatus status) throws SyscallException {
    if (status.links() > 1) {
      String first = linked.putIfAbsent(status.inode(), path);
      if (first != null) {
        to.hardLink(path, first);
        return;
      }
    }
    switch (status.type()) {
      case OpenFlags.S_IFREG -> content(path);
      case OpenFlags.S_IFLNK -> to.symbolicLink(path, from.readLink(path));
      default -> to.makeNode(path, status.mode(), status.special());
    }
    to.changeOwner(path, status.uid(), status.gid());
    attributes(path);
    if (!status.isSymbolicLink()) {
      to.changeMode(path, status.permissions());
    }
    to.setTimes(path, status.accessed(), status.modified());
  }

  private void content(String path) throws SyscallException {
    try (Fd in = from.open(path, OpenFlags.O_RDONLY | OpenFlags.O_NOFOLLOW);
        Fd out = to.create(path, 0600)) {
      for (int count = in.read(buffer); count > 0; count = in.read(buffer)) {
        out.writeAll(buffer.asSlice(0, count));
      }
    }
  }

  private void attributes(String path) throws SyscallException {
    for (String name : from.attributes(path)) {
      byte[] value = from.attribute(path, name);
      try {
        if (value != null) {
          to.setAttribute(path, name, value);
        }
      } catch (SyscallException e) {
        if (!e.is(Errno.EOPNOTSUPP)) {
          throw e;
        }
      }
    }
  }
}
