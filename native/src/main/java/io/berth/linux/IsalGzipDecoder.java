package io.berth.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * Intel's ISA-L, two to three times as fast as zlib. Its state is a struct of the caller's; should
 * a version of the library lay it out otherwise, a trial at the first use tells, and it is not
 * used.
 */
final class IsalGzipDecoder implements GzipDecoder {
  static final int STATE_SIZE = 87368;
  static final int STATE_NEXT_OUT = 0;
  static final int STATE_AVAIL_OUT = 8;
  static final int STATE_NEXT_IN = 16;
  static final int STATE_AVAIL_IN = 32;
  static final int STATE_BLOCK_STATE = 21160;
  static final int STATE_CRC_FLAG = 21172;
  static final int ISAL_GZIP = 1;
  static final int ISAL_BLOCK_FINISH = 5;

  /**
   * The state has room to spare, so that a newer library with a longer one writes into memory of
   * ours.
   */
  private static final int ALLOCATED = STATE_SIZE + 64 * 1024;

  private static final Library LIBRARY = Library.of("libisal.so.2");

  private final Arena arena = Arena.ofShared();
  private final MemorySegment state = arena.allocate(ALLOCATED, 64);
  private boolean begun;
  private int members;

  IsalGzipDecoder() {
    try {
      Functions.INIT.invokeExact(state);
    } catch (Throwable t) {
      throw broken(t);
    }
    state.set(Libc.INT, STATE_CRC_FLAG, ISAL_GZIP);
  }

  /** The functions of ISA-L, linked when the first decoder is made. */
  private static final class Functions {
    static final MethodHandle INIT =
        LIBRARY.function("isal_inflate_init", FunctionDescriptor.ofVoid(Libc.ADDRESS));
    static final MethodHandle RESET =
        LIBRARY.function("isal_inflate_reset", FunctionDescriptor.ofVoid(Libc.ADDRESS));
    static final MethodHandle INFLATE =
        LIBRARY.function("isal_inflate", FunctionDescriptor.of(Libc.INT, Libc.ADDRESS));
  }

  private static final class Trial {
    static final boolean PASSED =
        LIBRARY.has(List.of("isal_inflate_init", "isal_inflate_reset", "isal_inflate")) && pass();

    /**
     * Two members, "ab" stored and "ab" coded, cut in the middle: every field that is used has its
     * turn.
     */
    private static boolean pass() {
      byte[] stored =
          HexFormat.of().parseHex("1f8b08000000000000ff" + "010200fdff6162" + "6d48839e02000000");
      byte[] coded =
          HexFormat.of().parseHex("1f8b08000000000000ff" + "4b4c0200" + "6d48839e02000000");
      try (IsalGzipDecoder decoder = new IsalGzipDecoder();
          Arena arena = Arena.ofConfined()) {
        MemorySegment in = arena.allocate((long) stored.length + coded.length, 8);
        MemorySegment.copy(stored, 0, in, ValueLayout.JAVA_BYTE, 0, stored.length);
        MemorySegment.copy(coded, 0, in, ValueLayout.JAVA_BYTE, stored.length, coded.length);
        MemorySegment out = arena.allocate(16, 8);
        Progress first = decoder.decode(in.asSlice(0, 14), out);
        Progress second =
            decoder.decode(in.asSlice(first.consumed()), out.asSlice(first.produced()));
        byte[] text = out.asSlice(0, 4).toArray(ValueLayout.JAVA_BYTE);
        return first.consumed() + second.consumed() == in.byteSize()
            && first.produced() + second.produced() == 4
            && Arrays.equals(text, new byte[] {'a', 'b', 'a', 'b'})
            && decoder.isComplete();
      } catch (IOException | RuntimeException e) {
        return false;
      }
    }
  }

  static boolean isUsable() {
    return Trial.PASSED;
  }

  @Override
  public Progress decode(MemorySegment input, MemorySegment output) throws IOException {
    if (!input.isNative() || !output.isNative()) {
      throw new IllegalArgumentException("not native memory");
    }
    long consumed = 0;
    long produced = 0;
    while (true) {
      if (!begun) {
        // Zeros between members are padding, and without input there is no member to begin.
        while (members > 0
            && consumed < input.byteSize()
            && input.get(ValueLayout.JAVA_BYTE, consumed) == 0) {
          consumed++;
        }
        if (consumed == input.byteSize()) {
          return new Progress(consumed, produced);
        }
        begun = true;
      }
      int in = (int) Math.min(input.byteSize() - consumed, 1 << 30);
      int out = (int) Math.min(output.byteSize() - produced, 1 << 30);
      step(input.asSlice(consumed, in), output.asSlice(produced, out));
      int used = in - state.get(Libc.INT, STATE_AVAIL_IN);
      int made = out - state.get(Libc.INT, STATE_AVAIL_OUT);
      consumed += used;
      produced += made;
      if (state.get(Libc.INT, STATE_BLOCK_STATE) == ISAL_BLOCK_FINISH) {
        members++;
        begun = false;
        reset();
      } else if (used == 0 && made == 0) {
        return new Progress(consumed, produced);
      }
    }
  }

  private void step(MemorySegment in, MemorySegment out) throws IOException {
    state.set(ValueLayout.ADDRESS, STATE_NEXT_IN, in);
    state.set(Libc.INT, STATE_AVAIL_IN, (int) in.byteSize());
    state.set(ValueLayout.ADDRESS, STATE_NEXT_OUT, out);
    state.set(Libc.INT, STATE_AVAIL_OUT, (int) out.byteSize());
    int result;
    try {
      result = (int) Functions.INFLATE.invokeExact(state);
    } catch (Throwable t) {
      throw broken(t);
    }
    if (result < 0) {
      throw new IOException("gzip stream is damaged: " + words(result));
    }
    if (result > 2) {
      throw new IOException("gzip stream is damaged: it needs a dictionary");
    }
  }

  private void reset() {
    try {
      Functions.RESET.invokeExact(state);
    } catch (Throwable t) {
      throw broken(t);
    }
    state.set(Libc.INT, STATE_CRC_FLAG, ISAL_GZIP);
  }

  private static String words(int result) {
    return switch (result) {
      case -1 -> "invalid block";
      case -2 -> "invalid symbol";
      case -3 -> "it refers to bytes before its beginning";
      case -4 -> "no gzip header";
      case -5 -> "unknown method";
      case -6 -> "its checksum is wrong";
      default -> "error " + result;
    };
  }

  @Override
  public boolean isComplete() {
    return members > 0 && !begun;
  }

  @Override
  public void close() {
    arena.close();
  }

  private static RuntimeException broken(Throwable t) {
    if (t instanceof Error e) {
      throw e;
    }
    return t instanceof RuntimeException e ? e : new IllegalStateException("libisal", t);
  }
}
