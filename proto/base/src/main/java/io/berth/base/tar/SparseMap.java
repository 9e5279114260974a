package io.berth.base.tar;

import io.berth.base.error.BerthException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Where the stored parts of a sparse file belong; what lies between them is zeros. The stored bytes
 * are handed in as they come, and go on to the sink with the holes between them.
 */
final class SparseMap {
  private static final long MAX_SIZE = Long.MAX_VALUE - (1 << 20);

  /** Pairs of an offset and a length. */
  private long[] parts = new long[8];

  private int length;
  private int current;
  private long position;

  void add(long offset, long size) {
    if (length == parts.length) {
      parts = Arrays.copyOf(parts, length * 2);
    }
    parts[length++] = offset;
    parts[length++] = size;
  }

  /**
   * Refuses a map whose parts overlap, are not in order, go beyond the file's end, or are not as
   * long together as what is stored.
   */
  SparseMap checked(String path, long fileSize, long stored) {
    long end = 0;
    long sum = 0;
    boolean right = fileSize >= 0 && fileSize <= MAX_SIZE;
    for (int i = 0; i < length && right; i += 2) {
      long offset = parts[i];
      long size = parts[i + 1];
      right = offset >= end && size >= 0 && offset <= fileSize && size <= fileSize - offset;
      end = offset + size;
      sum += size;
    }
    if (!right || sum != stored) {
      throw new BerthException.InvalidArgument(
          "`" + path + "` is a sparse file whose map does not fit its size");
    }
    return this;
  }

  /** Takes stored bytes, never more than the parts have together. */
  void content(MemorySegment bytes, TarSink sink) throws IOException {
    long at = 0;
    while (at < bytes.byteSize()) {
      long offset = parts[current];
      long end = offset + parts[current + 1];
      if (position == end || parts[current + 1] == 0) {
        current += 2;
        continue;
      }
      hole(offset, sink);
      long part = Math.min(end - position, bytes.byteSize() - at);
      sink.content(bytes.asSlice(at, part));
      position += part;
      at += part;
    }
  }

  /** Ends the content: the file is zeros from here on. */
  void finish(long fileSize, TarSink sink) throws IOException {
    hole(fileSize, sink);
  }

  private void hole(long until, TarSink sink) throws IOException {
    if (until > position) {
      sink.hole(until - position);
      position = until;
    }
  }
}
