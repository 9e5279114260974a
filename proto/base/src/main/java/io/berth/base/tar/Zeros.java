package io.berth.base.tar;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Zeros in native memory, for those who want the holes of a sparse file as bytes. */
final class Zeros {
  static final int SIZE = 64 << 10;
  static final MemorySegment MEMORY = Arena.global().allocate(SIZE).asReadOnly();

  private Zeros() {}
}
