package io.berth.base.io;

import io.berth.base.error.BerthException;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.FileLocks;
import io.berth.linux.OpenFlags;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * One owner per folder: a record lock (fcntl(2), F_SETLK) on the file {@code NAME.lock} in it,
 * which the kernel drops with its holder. The file holds the owner's pid.
 */
public final class FolderLock implements AutoCloseable {
  /** What this process holds, for the kernel does not tell one process from itself. */
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final Path file;
  private final FileChannel channel;

  private FolderLock(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  /** FAILED_PRECONDITION, with the holder's pid, when another process has it. Never waits. */
  public static FolderLock take(Path folder, String name) throws IOException {
    Files.createDirectories(folder);
    Path file = folder.toAbsolutePath().normalize().resolve(name + ".lock");
    // Not even opened: closing any descriptor of the file would end the lock that this process has.
    if (!HELD.add(file)) {
      throw held(file, Long.toString(ProcessHandle.current().pid()));
    }
    boolean taken = false;
    FileChannel channel = null;
    try {
      channel = open(file);
      if (channel.tryLock() == null) {
        throw held(file, holder(file));
      }
      channel.truncate(0);
      channel.write(
          ByteBuffer.wrap(
              (ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII)),
          0);
      taken = true;
      return new FolderLock(file, channel);
    } finally {
      if (!taken) {
        HELD.remove(file);
        if (channel != null) {
          channel.close();
        }
      }
    }
  }

  /** Whether somebody holds the lock, this process or another. Makes nothing, and never waits. */
  public static boolean isHeld(Path folder, String name) throws IOException {
    Path file = folder.toAbsolutePath().normalize().resolve(name + ".lock");
    if (HELD.contains(file)) {
      return true;
    }
    try (Fd fd = Fd.open(file, OpenFlags.O_RDWR | OpenFlags.O_NOFOLLOW)) {
      return FileLocks.recordHolder(fd) != 0;
    } catch (SyscallException e) {
      if (e.is(Errno.ENOENT)) {
        return false;
      }
      throw e;
    }
  }

  /**
   * Opens a lock's file, or makes it. Nobody else may open it: whoever reads a file can share its
   * lock, and keep the engine from starting.
   */
  public static FileChannel open(Path file) throws IOException {
    Set<PosixFilePermission> owner = PosixFilePermissions.fromString("rw-------");
    FileChannel channel =
        FileChannel.open(
            file,
            Set.of(
                StandardOpenOption.CREATE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE,
                LinkOption.NOFOLLOW_LINKS),
            PosixFilePermissions.asFileAttribute(owner));
    try {
      if (!Files.getPosixFilePermissions(file).equals(owner)) {
        Files.setPosixFilePermissions(file, owner);
      }
      return channel;
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /** Whom the kernel names: what the file says may be of a process that is long gone. */
  private static String holder(Path file) throws IOException {
    try (Fd fd = Fd.open(file, OpenFlags.O_RDWR | OpenFlags.O_NOFOLLOW)) {
      int pid = FileLocks.recordHolder(fd);
      return pid > 0 ? Integer.toString(pid) : Files.readString(file).strip();
    }
  }

  private static BerthException held(Path file, String holder) {
    return new BerthException.FailedPrecondition(
        "lock `"
            + file
            + "`: held by process "
            + holder
            + "; stop that one, or use another folder");
  }

  @Override
  public void close() throws IOException {
    channel.close();
    HELD.remove(file);
  }
}
