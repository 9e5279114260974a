package io.berth.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads a directory through its descriptor, in the file system's order, without {@code .} and
 * {@code ..}. Belongs to one thread. The descriptor is borrowed, and its offset moves.
 */
public final class DirectoryReader implements AutoCloseable {
  private static final int BUFFER_BYTES = 32 * 1024;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

  private final Fd directory;
  private final Arena arena = Arena.ofConfined();
  private final MemorySegment buffer = arena.allocate(BUFFER_BYTES, 8);
  private int at;
  private int filled;

  /** Reads on from where the descriptor stands; it must not be an {@code O_PATH} one. */
  public DirectoryReader(Fd directory) {
    this.directory = directory;
  }

  /** All that is in a directory, read from its beginning. */
  public static List<DirectoryEntry> list(Fd directory) throws SyscallException {
    directory.seek(0);
    List<DirectoryEntry> entries = new ArrayList<>();
    try (DirectoryReader reader = new DirectoryReader(directory)) {
      for (DirectoryEntry e = reader.next(); e != null; e = reader.next()) {
        entries.add(e);
      }
    }
    return entries;
  }

  /** The next entry, null after the last. */
  public @Nullable DirectoryEntry next() throws SyscallException {
    while (true) {
      if (at >= filled) {
        filled = fill();
        at = 0;
        if (filled == 0) {
          return null;
        }
      }
      int length = Short.toUnsignedInt(buffer.get(SHORT, at + Layouts.DIRENT_RECORD_LENGTH));
      DirectoryEntry entry = entry(at, length);
      at += length;
      if (!entry.name().equals(".") && !entry.name().equals("..")) {
        return entry;
      }
    }
  }

  private int fill() throws SyscallException {
    try (Frame f = Frame.open()) {
      long count =
          Libc.call(f, Sys.GETDENTS64, directory.number(), buffer.address(), buffer.byteSize());
      return (int) Libc.check(count, "getdents64", directory.what());
    }
  }

  private DirectoryEntry entry(int start, int length) {
    long name = (long) start + Layouts.DIRENT_NAME;
    int size = 0;
    while (buffer.get(ValueLayout.JAVA_BYTE, name + size) != 0
        && size < length - Layouts.DIRENT_NAME) {
      size++;
    }
    int type = buffer.get(ValueLayout.JAVA_BYTE, start + Layouts.DIRENT_TYPE);
    // The kernel's DT_* are the type bits of the mode, shifted.
    return new DirectoryEntry(
        FileNames.decode(buffer, name, size), buffer.get(LONG, start), type << 12);
  }

  @Override
  public void close() {
    arena.close();
  }
}
