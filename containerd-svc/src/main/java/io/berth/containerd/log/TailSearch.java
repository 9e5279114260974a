package io.berth.containerd.log;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import org.jspecify.annotations.Nullable;

/**
 * Finds where the last lines begin, going backwards from the end in blocks.
 *
 * <p>A line counts where it ends. Where a line was cut in pieces with lines of the other stream
 * between them, its first pieces may lie before the place that is found.
 */
final class TailSearch {
  private static final int BLOCK = 64 << 10;

  private final LogFiles files;
  private final LogQuery query;
  private long wanted;
  private final @Nullable Object lastKey;
  private final long lastSize;
  private boolean first = true;

  /**
   * @param lastKey the file that is taken for the newest; null for the one that is
   * @param lastSize how many of its bytes count
   */
  TailSearch(LogFiles files, LogQuery query, @Nullable Object lastKey, long lastSize) {
    this.files = files;
    this.query = query;
    this.lastKey = lastKey;
    this.lastSize = lastSize;
    this.wanted = query.tail();
  }

  /** A place in an open file. */
  record Start(LogFiles.Open file, long offset) {}

  /** The place that was searched for; null when there is no file. The caller closes the file. */
  @Nullable Start find() throws IOException {
    LogFiles.Open file = files.newest();
    if (file == null) {
      return null;
    }
    try {
      while (lastKey != null && !file.key().equals(lastKey)) {
        // This file was begun after the reading.
        LogFiles.Open older = files.before(file);
        if (older == null) {
          break;
        }
        file.close();
        file = older;
      }
      while (true) {
        boolean last = file.key().equals(lastKey);
        long at = searched(file.channel(), last ? lastSize : file.channel().size());
        LogFiles.Open older = at >= 0 ? null : files.before(file);
        if (older == null) {
          LogFiles.Open found = file;
          file = null;
          return new Start(found, Math.max(at, 0));
        }
        file.close();
        file = older;
      }
    } finally {
      if (file != null) {
        file.close();
      }
    }
  }

  /** The place in this file, or -1 when it lies before this file. */
  private long searched(FileChannel file, long size) throws IOException {
    if (query.tail() == 0) {
      return size;
    }
    byte[] block = new byte[BLOCK + LogEntry.HEADER];
    long end = size;
    long lineEnd = -1;
    while (end > 0) {
      long start = Math.max(0, end - BLOCK);
      // The block is read with the beginning of the next one, because a header may lie across the
      // border.
      int filled = read(file, start, block);
      for (int i = (int) Math.min(end - start, filled) - 1; i >= 0; i--) {
        if (block[i] == '\n') {
          if (lineEnd >= 0 && isBefore(block, i + 1, (int) Math.min(filled, lineEnd - start))) {
            return lineEnd + 1;
          }
          lineEnd = start + i;
        }
      }
      if (start == 0 && lineEnd >= 0 && isBefore(block, 0, (int) Math.min(filled, lineEnd))) {
        return lineEnd + 1;
      }
      end = start;
    }
    return -1;
  }

  /** Whether this entry ends the line before the ones that are wanted. */
  private boolean isBefore(byte[] block, int from, int to) {
    LogEntry.Header entry = LogEntry.Header.parse(block, from, to);
    if (entry == null || !query.wants(entry.stderr())) {
      return false;
    }
    boolean last = first;
    first = false;
    if (entry.partial() && !last) {
      return false;
    }
    return --wanted < 0;
  }

  private static int read(FileChannel file, long at, byte[] block) throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(block);
    while (buffer.hasRemaining()) {
      if (file.read(buffer, at + buffer.position()) < 0) {
        break;
      }
    }
    return buffer.position();
  }
}
