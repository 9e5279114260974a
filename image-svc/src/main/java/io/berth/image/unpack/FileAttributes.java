package io.berth.image.unpack;

import io.berth.base.tar.TarEntry;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.FileTimestamp;
import io.berth.linux.OpenFlags;
import io.berth.linux.RootedFiles;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * Owner, mode, attributes and times, in the order that the kernel wants: an owner's change clears
 * set-id bits and capabilities. A call is saved where the file is made right already.
 */
final class FileAttributes {
  private static final int UPPER_BITS = 07000;
  private static final int UMASK = umask();

  private final RootedFiles files;
  private final boolean alwaysOwner;

  /**
   * @param alwaysOwner also for root's files, since directories that stand there may hand their
   *     group on
   */
  FileAttributes(RootedFiles files, boolean alwaysOwner) {
    this.files = files;
    this.alwaysOwner = alwaysOwner;
  }

  void ofFile(Fd fd, String path, TarEntry entry) throws SyscallException {
    if (needsOwner(entry)) {
      fd.changeOwner(entry.uid(), entry.gid());
    }
    extended(path, entry);
    if ((entry.mode() & (UPPER_BITS | UMASK)) != 0) {
      fd.changeMode(entry.mode());
    }
    fd.setTimes(entry.modified(), entry.modified());
  }

  /** Sets what a link, a device or a fifo can have. */
  void ofOther(String path, TarEntry entry) throws SyscallException {
    if (needsOwner(entry)) {
      files.changeOwner(path, entry.uid(), entry.gid());
    }
    extended(path, entry);
    boolean link = entry.type() == TarEntry.Type.SYMBOLIC_LINK;
    if (!link && (entry.mode() & (UPPER_BITS | UMASK)) != 0) {
      files.changeMode(path, entry.mode());
    }
    files.setTimes(path, entry.modified(), entry.modified());
  }

  /**
   * Sets everything of a directory but its times and its upper bits. Those come last: files that
   * are made in a directory with the set-group-ID bit would take over its group (inode(7)).
   */
  void ofDirectory(String path, TarEntry entry) throws SyscallException {
    if (path.equals(".")) {
      try (Fd root = files.open(".", OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY)) {
        root.changeOwner(entry.uid(), entry.gid());
        root.changeMode(entry.mode() & ~UPPER_BITS);
      }
      return;
    }
    // The directory may have been there before, so everything is set.
    files.changeOwner(path, entry.uid(), entry.gid());
    extended(path, entry);
    files.changeMode(path, entry.mode() & ~UPPER_BITS);
  }

  void ofDirectoryLate(String path, int mode, FileTimestamp modified) throws SyscallException {
    try (Fd fd =
        files.open(path, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW)) {
      if ((mode & UPPER_BITS) != 0) {
        fd.changeMode(mode);
      }
      fd.setTimes(modified, modified);
    }
  }

  private boolean needsOwner(TarEntry entry) {
    return alwaysOwner || entry.uid() != 0 || entry.gid() != 0;
  }

  private void extended(String path, TarEntry entry) throws SyscallException {
    for (Map.Entry<String, byte[]> attribute : entry.attributes().entrySet()) {
      if (!TreeExtractor.isAllowed(attribute) || !canHave(entry.type(), attribute.getKey())) {
        continue;
      }
      try {
        files.setAttribute(path, attribute.getKey(), attribute.getValue());
      } catch (SyscallException e) {
        // Some file systems have no extended attributes, and this kernel may not run the security
        // module that a label is for.
        if (!e.is(Errno.EOPNOTSUPP)) {
          throw e;
        }
      }
    }
  }

  /**
   * Whether the kernel lets a file of this kind have an attribute: those of users belong to files
   * and directories alone (xattr(7)), and other tools leave them out elsewhere as well.
   */
  private static boolean canHave(TarEntry.Type type, String attribute) {
    return switch (type) {
      case FILE, DIRECTORY -> true;
      case HARD_LINK, SYMBOLIC_LINK, CHARACTER_DEVICE, BLOCK_DEVICE, FIFO ->
          !attribute.startsWith("user.");
    };
  }

  private static int umask() {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
        if (line.startsWith("Umask:")) {
          return Integer.parseInt(line.substring("Umask:".length()).strip(), 8);
        }
      }
    } catch (IOException | NumberFormatException e) {
      // Without the umask every mode is set once more.
      return 0777;
    }
    return 0777;
  }
}
