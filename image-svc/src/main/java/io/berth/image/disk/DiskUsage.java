package io.berth.image.disk;

import io.berth.linux.DirectoryEntry;
import io.berth.linux.FileStatus;
import io.berth.linux.RootedFiles;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;

/**
 * What a tree of files takes on the disk.
 *
 * @param bytes of allocated blocks
 * @param inodes files, each counted once however many names it has
 */
public record DiskUsage(long bytes, long inodes) {
  /** The usage of nothing. */
  public static final DiskUsage NONE = new DiskUsage(0, 0);

  /**
   * Walks the tree, the root included; files that disappear meanwhile do not count. Takes 3 µs a
   * file.
   */
  public static DiskUsage of(Path folder) throws IOException {
    long bytes = 0;
    long inodes = 0;
    Set<Long> linked = new HashSet<>();
    Deque<String> directories = new ArrayDeque<>();
    try (RootedFiles files = RootedFiles.open(folder, RootedFiles.Confinement.BENEATH)) {
      bytes += files.status(".").blocks() * 512;
      inodes++;
      directories.push(".");
      while (!directories.isEmpty()) {
        String directory = directories.pop();
        for (DirectoryEntry entry : listOrNone(files, directory)) {
          String path = directory.equals(".") ? entry.name() : directory + "/" + entry.name();
          FileStatus status = files.statusOrNull(path);
          if (status == null
              || (!status.isDirectory() && status.links() > 1 && !linked.add(status.inode()))) {
            continue;
          }
          bytes += status.blocks() * 512;
          inodes++;
          if (status.isDirectory()) {
            directories.push(path);
          }
        }
      }
    }
    return new DiskUsage(bytes, inodes);
  }

  private static Iterable<DirectoryEntry> listOrNone(RootedFiles files, String directory)
      throws SyscallException {
    return files.statusOrNull(directory) == null ? Set.of() : files.list(directory);
  }

  /** The sum of two usages. */
  public DiskUsage plus(DiskUsage other) {
    return new DiskUsage(bytes + other.bytes, inodes + other.inodes);
  }
}
