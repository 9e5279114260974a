package io.berth.image.codec;

import io.berth.base.error.BerthException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * Unpacks what is pushed: gzip (also of several members), zstd, or bytes as they are; which, its
 * first bytes tell. Damaged and cut off input is refused with INVALID_ARGUMENT. Belongs to one
 * thread.
 */
public final class Decoder implements AutoCloseable {
  static final int BUFFER = 256 << 10;

  /** The kind of packing that the bytes turned out to have. */
  public enum Packing {
    NONE,
    GZIP,
    ZSTD
  }

  /** Unpacks one kind of packing. */
  interface Unpacker extends AutoCloseable {
    void push(MemorySegment input, DecodedOutput output) throws IOException;

    /** Ends the input; refuses an end in the middle. */
    void finish();

    @Override
    void close();
  }

  private final DecodedOutput output;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment head = arena.allocate(4);
  private int headLength;
  private @Nullable Unpacker unpacker;
  private Packing packing = Packing.NONE;

  /** Unpacks into a sink, in pieces of at most 256 KiB. */
  public Decoder(ByteSink sink) {
    MemorySegment room = arena.allocate(BUFFER, 64);
    this.output =
        new DecodedOutput() {
          @Override
          public MemorySegment room() {
            return room;
          }

          @Override
          public void filled(int bytes) throws IOException {
            sink.write(room.asSlice(0, bytes));
          }
        };
  }

  /** Unpacks into the output's own memory. */
  public Decoder(DecodedOutput output) {
    this.output = output;
  }

  /** Takes the next bytes, in native memory. */
  public void push(MemorySegment input) throws IOException {
    MemorySegment rest = input;
    Unpacker chosen = unpacker;
    if (chosen == null) {
      int part = (int) Math.min(4 - headLength, input.byteSize());
      MemorySegment.copy(input, 0, head, headLength, part);
      headLength += part;
      if (headLength < 4) {
        return;
      }
      chosen = choose();
      chosen.push(head, output);
      rest = input.asSlice(part);
    }
    if (rest.byteSize() > 0) {
      chosen.push(rest, output);
    }
  }

  /** Ends the input; refuses an end in the middle. */
  public void finish() throws IOException {
    Unpacker chosen = unpacker;
    if (chosen == null) {
      chosen = choose();
      if (headLength > 0) {
        chosen.push(head.asSlice(0, headLength), output);
      }
    }
    chosen.finish();
  }

  /** The kind of packing, which is known once four bytes were pushed. */
  public Packing packing() {
    return packing;
  }

  /** The kind of packing that the first bytes of a file tell. */
  public static Packing sniff(MemorySegment start) {
    if (start.byteSize() >= 3
        && at(start, 0) == 0x1f
        && at(start, 1) == 0x8b
        && at(start, 2) == 8) {
      return Packing.GZIP;
    }
    boolean zstd =
        start.byteSize() >= 4
            && at(start, 0) == 0x28
            && at(start, 1) == 0xb5
            && at(start, 2) == 0x2f
            && at(start, 3) == 0xfd;
    return zstd ? Packing.ZSTD : Packing.NONE;
  }

  private static int at(MemorySegment bytes, long offset) {
    return bytes.get(ValueLayout.JAVA_BYTE, offset) & 0xff;
  }

  private Unpacker choose() {
    packing = sniff(head.asSlice(0, headLength));
    Unpacker chosen =
        switch (packing) {
          case GZIP -> new Gunzip();
          case ZSTD -> new Unzstd();
          case NONE -> new Plain();
        };
    unpacker = chosen;
    return chosen;
  }

  static BerthException damaged(String what, String why) {
    return new BerthException.InvalidArgument("unpack " + what + ": " + why);
  }

  @Override
  public void close() {
    if (unpacker != null) {
      unpacker.close();
    }
    arena.close();
  }

  private static final class Plain implements Unpacker {
    @Override
    public void push(MemorySegment input, DecodedOutput output) throws IOException {
      for (long at = 0; at < input.byteSize(); ) {
        MemorySegment room = output.room();
        int part = (int) Math.min(room.byteSize(), input.byteSize() - at);
        MemorySegment.copy(input, at, room, 0, part);
        output.filled(part);
        at += part;
      }
    }

    @Override
    public void finish() {}

    @Override
    public void close() {}
  }
}
