package io.berth.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * The native memory of one kernel call: the place for errno, and room for paths and structs, given
 * back by {@link #close}. Frames are kept in a small pool and never shared between two calls, so a
 * virtual thread may change its carrier in between.
 */
final class Frame implements AutoCloseable {
  private static final int SLAB_BYTES = 8192;
  private static final int ERRNO_BYTES = 16;
  private static final int POOL_SIZE = 16;
  private static final AtomicReferenceArray<@Nullable Frame> POOL =
      new AtomicReferenceArray<>(POOL_SIZE);

  private final MemorySegment slab = Arena.ofAuto().allocate(SLAB_BYTES, 16);

  /** The place where the linker stores errno. */
  final MemorySegment errno = slab.asSlice(0, ERRNO_BYTES);

  private long next = ERRNO_BYTES;
  private @Nullable Arena overflow;

  private Frame() {}

  /** A frame that is the caller's until it is closed. */
  static Frame open() {
    int start = (int) Thread.currentThread().threadId() & (POOL_SIZE - 1);
    for (int i = 0; i < 4; i++) {
      int slot = (start + i) & (POOL_SIZE - 1);
      Frame frame = POOL.getAndSet(slot, null);
      if (frame != null) {
        return frame;
      }
    }
    return new Frame();
  }

  /** Zeroed memory, aligned to 8 bytes, until this frame is closed. */
  MemorySegment allocate(long bytes) {
    return raw(bytes).fill((byte) 0);
  }

  /** Memory with anything in it, aligned to 8 bytes, until this frame is closed. */
  MemorySegment raw(long bytes) {
    long size = (Math.max(bytes, 1) + 7) & ~7L;
    if (next + size <= SLAB_BYTES) {
      MemorySegment part = slab.asSlice(next, size);
      next += size;
      return part;
    }
    Arena arena = overflow;
    if (arena == null) {
      arena = Arena.ofConfined();
      overflow = arena;
    }
    return arena.allocate(size, 16);
  }

  /** The address of a NUL-terminated copy of a path or name. */
  long path(String text) {
    return FileNames.write(text, raw(FileNames.maxBytes(text) + 1)).address();
  }

  /** The address of a copy. */
  long bytes(byte[] content) {
    MemorySegment copy = raw(content.length);
    MemorySegment.copy(content, 0, copy, ValueLayout.JAVA_BYTE, 0, content.length);
    return copy.address();
  }

  @Override
  public void close() {
    Arena arena = overflow;
    if (arena != null) {
      overflow = null;
      arena.close();
    }
    next = ERRNO_BYTES;
    int start = (int) Thread.currentThread().threadId() & (POOL_SIZE - 1);
    for (int i = 0; i < 4; i++) {
      if (POOL.compareAndSet((start + i) & (POOL_SIZE - 1), null, this)) {
        return;
      }
    }
  }
}
