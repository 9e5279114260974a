package io.berth.image.content;

import io.berth.base.error.BerthException;
import io.berth.base.io.AtomicFile;
import io.berth.image.disk.DiskFailures;
import io.berth.image.disk.ImagePaths;
import io.berth.linux.Fd;
import io.berth.linux.OpenFlags;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;

/**
 * The file {@code ROOT/content/ingest/N/data} that holds the bytes of one ingest until it is
 * committed. Belongs to one thread at a time; every failure is a {@link BerthException} that says
 * whether the disk is full.
 */
final class IngestFile implements AutoCloseable {
  private static final String NAME = "data";

  private final Path path;
  private final String ref;
  private final FileChannel channel;

  private IngestFile(Path path, String ref, FileChannel channel) {
    this.path = path;
    this.ref = ref;
    this.channel = channel;
  }

  /** Where the bytes of the ingest with this folder are. */
  static Path in(Path folder) {
    return folder.resolve(NAME);
  }

  /**
   * Opens the file, and makes it and its folder if they are missing.
   *
   * @param id of the ingest
   * @param ref the client's name of the ingest, for messages
   */
  static IngestFile open(ImagePaths paths, long id, String ref) {
    Path folder = paths.ingest(id);
    try {
      Files.createDirectories(folder);
      Path path = in(folder);
      return new IngestFile(
          path,
          ref,
          FileChannel.open(
              path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE));
    } catch (IOException e) {
      throw DiskFailures.of("open ingest \"" + ref + "\"", e, paths.ingests());
    }
  }

  /** The number of bytes that are there. */
  long size() throws IOException {
    return channel.size();
  }

  /** When the file was written last. */
  Instant modified() throws IOException {
    return Files.getLastModifiedTime(path).toInstant();
  }

  /**
   * Says when the file was written last, by the same clock as everything else that is told of an
   * ingest.
   */
  void modifiedAt(Instant moment) {
    try {
      Files.setLastModifiedTime(path, FileTime.from(moment));
    } catch (NoSuchFileException e) {
      // Somebody has aborted the ingest.
      return;
    } catch (IOException e) {
      throw failure(e);
    }
  }

  /**
   * Reads what is there from an offset on, at most as much as the segment holds; -1 at the end of
   * the file.
   */
  int read(MemorySegment into, long at) throws IOException {
    return channel.read(into.asByteBuffer(), at);
  }

  /** Writes the whole segment, which may be heap memory, at an offset. */
  void write(MemorySegment bytes, long offset) {
    ByteBuffer buffer = bytes.asByteBuffer();
    long at = offset;
    try {
      while (buffer.hasRemaining()) {
        at += channel.write(buffer, at);
      }
    } catch (IOException e) {
      throw refused(buffer, at, e);
    }
  }

  /**
   * The JDK does not tell why the kernel refused a write. The same write of one byte, which is
   * refused for the same reason, does: a write that ends with an error has written nothing
   * (write(2), RETURN VALUE), so not even the first byte had room.
   */
  private BerthException refused(ByteBuffer left, long at, IOException failure) {
    if (failure instanceof ClosedChannelException) {
      return failure(failure);
    }
    try (Arena arena = Arena.ofConfined();
        Fd file = Fd.open(path, OpenFlags.O_WRONLY)) {
      MemorySegment first = arena.allocate(1);
      first.set(ValueLayout.JAVA_BYTE, 0, left.get(left.position()));
      var _ = file.writeAt(first, at);
      return failure(failure);
    } catch (IOException e) {
      e.addSuppressed(failure);
      return failure(e);
    }
  }

  private BerthException failure(IOException e) {
    return DiskFailures.of("write ingest \"" + ref + "\"", e, path);
  }

  /** Cuts the file to nothing. */
  void clear() {
    try {
      channel.truncate(0);
    } catch (IOException e) {
      throw failure(e);
    }
  }

  /**
   * Moves the file to its place among the content; answers false if it is gone, for somebody has
   * aborted the ingest.
   *
   * @param blob a path in the folder
   * @param durable whether the bytes and the name have to be on the disk when this returns
   */
  boolean moveTo(Path blob, Path folder, boolean durable) {
    try {
      if (durable) {
        channel.force(false);
      }
      Files.move(path, blob, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      if (durable) {
        AtomicFile.syncFolder(folder);
      }
      return true;
    } catch (NoSuchFileException e) {
      return false;
    } catch (IOException e) {
      throw failure(e);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw failure(e);
    }
  }
}
