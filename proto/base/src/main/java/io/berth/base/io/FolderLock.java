package io.berth.base.io;

import io.berth.base.error.BerthException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * One owner per folder: a record lock (fcntl(2), F_SETLK) on the file {@code NAME.lock} in it,
 * which the kernel drops with its holder. The file holds the owner's pid.
 */
public final class FolderLock implements AutoCloseable {
  private final FileChannel channel;

  private FolderLock(FileChannel channel) {
    this.channel = channel;
  }

  /** FAILED_PRECONDITION, with the holder's pid, when another process has it. Never waits. */
  public static FolderLock take(Path folder, String name) throws IOException {
    Files.createDirectories(folder);
    Path file = folder.resolve(name + ".lock");
    FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    try {
      FileLock lock = channel.tryLock();
      if (lock == null) {
        throw taken(file);
      }
      channel.truncate(0);
      channel.write(
          ByteBuffer.wrap(
              (ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII)),
          0);
      return new FolderLock(channel);
    } catch (OverlappingFileLockException e) {
      channel.close();
      throw taken(file);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private static BerthException taken(Path file) throws IOException {
    return new BerthException.FailedPrecondition(
        "lock `"
            + file
            + "`: held by process "
            + Files.readString(file).strip()
            + "; stop that one, or use another folder");
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
