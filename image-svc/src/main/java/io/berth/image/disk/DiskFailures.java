package io.berth.image.disk;

import io.berth.base.error.BerthException;
import io.berth.linux.Errno;
import io.berth.linux.Mounts;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.nio.file.Path;

/** Tells a caller of the service what a failed operation on files means for them. */
public final class DiskFailures {
  private DiskFailures() {}

  /**
   * The failure of an operation on files: RESOURCE_EXHAUSTED if the disk or a quota is used up, for
   * then the caller can do something about it, INTERNAL otherwise.
   *
   * <p>A {@link SyscallException} carries the kernel's error number. The exceptions of
   * java.nio.file do not, so for these the file system is asked whether it has blocks and inodes
   * left.
   *
   * @param what the operation in words, for the message
   * @param place a path on the file system that was written to
   */
  public static BerthException of(String what, IOException failure, Path place) {
    return isFull(failure, place)
        ? new BerthException.ResourceExhausted(
            what + ": the disk is full; free space there", failure)
        : new BerthException.Internal(what + ": " + failure.getMessage(), failure);
  }

  private static boolean isFull(IOException failure, Path place) {
    if (failure instanceof SyscallException refused) {
      return refused.is(Errno.ENOSPC) || refused.is(Errno.EDQUOT);
    }
    try {
      Mounts.FileSystemStatus status = Mounts.statfs(place);
      // File systems that make inodes as they need them, such as btrfs, report none at all.
      return status.availableBlocks() == 0 || (status.files() > 0 && status.freeFiles() == 0);
    } catch (SyscallException e) {
      failure.addSuppressed(e);
      return false;
    }
  }
}
