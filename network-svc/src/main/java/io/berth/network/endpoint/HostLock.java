package io.berth.network.endpoint;

import io.berth.base.io.FolderLock;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What only one instance of a host does at a time: choose a subnet, and switch what all of them
 * share.
 *
 * @param file that all of them lock
 */
record HostLock(Path file) {
  /** A lock on a file is its process's: within one, two instances take turns by this. */
  private static final ReentrantLock WITHIN = new ReentrantLock();

  interface Work<T> {
    T run() throws IOException;
  }

  /** Waits for the lock and does the work under it. The caller must not hold the lock yet. */
  <T> T hold(Work<T> work) throws IOException {
    Files.createDirectories(file.toAbsolutePath().getParent());
    WITHIN.lock();
    try (FileChannel channel = FolderLock.open(file);
        FileLock _ = channel.lock()) {
      return work.run();
    } finally {
      WITHIN.unlock();
    }
  }

  /** A file beside the lock, for what all instances of the host share. */
  Path beside(String name) {
    return file.resolveSibling(file.getFileName() + "." + name);
  }
}
