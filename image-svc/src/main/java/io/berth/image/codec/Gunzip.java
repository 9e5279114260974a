package io.berth.image.codec;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * gzip (RFC 1952): members one after the other, each with its checksum and length checked; zeros
 * after the last are padding.
 */
final class Gunzip implements Decoder.Unpacker {
  private static final int FLAG_HEADER_CRC = 2;
  private static final int FLAG_EXTRA = 4;
  private static final int FLAG_NAME = 8;
  private static final int FLAG_COMMENT = 16;

  private enum State {
    HEADER,
    EXTRA_LENGTH,
    EXTRA,
    NAME,
    COMMENT,
    HEADER_CRC,
    BODY,
    TRAILER,
    BETWEEN
  }

  private final Inflater inflater = new Inflater(/* nowrap= */ true);
  private final CRC32 crc = new CRC32();
  private final Arena arena = Arena.ofShared();
  private final MemorySegment out = arena.allocate(Decoder.BUFFER);
  private final byte[] field = new byte[10];
  private State state = State.HEADER;
  private int filled;
  private int flags;
  private int extra;
  private long memberSize;

  @Override
  public void push(MemorySegment input, ByteSink output) throws IOException {
    long at = 0;
    while (at < input.byteSize()) {
      if (state == State.BODY) {
        at += inflate(input.asSlice(at), output);
      } else {
        at++;
        take(input.get(ValueLayout.JAVA_BYTE, at - 1));
      }
    }
  }

  private void take(byte b) {
    switch (state) {
      case BETWEEN -> {
        // Some packers pad with zeros.
        if (b != 0) {
          state = State.HEADER;
          filled = 0;
          take(b);
        }
      }
      case HEADER -> {
        field[filled++] = b;
        if (filled == 10) {
          takeHeader();
        }
      }
      case EXTRA_LENGTH -> {
        field[filled++] = b;
        if (filled == 2) {
          extra = (field[0] & 0xff) | (field[1] & 0xff) << 8;
          state = State.EXTRA;
          skipEmpty();
        }
      }
      case EXTRA -> {
        extra--;
        skipEmpty();
      }
      case NAME -> {
        if (b == 0) {
          after(FLAG_NAME);
        }
      }
      case COMMENT -> {
        if (b == 0) {
          after(FLAG_COMMENT);
        }
      }
      case HEADER_CRC -> {
        if (++filled == 2) {
          after(FLAG_HEADER_CRC);
        }
      }
      case TRAILER -> {
        field[filled++] = b;
        if (filled == 8) {
          takeTrailer();
        }
      }
      case BODY -> throw new IllegalStateException("bytes of the body are inflated");
    }
  }

  private void takeHeader() {
    if ((field[0] & 0xff) != 0x1f || (field[1] & 0xff) != 0x8b || field[2] != 8) {
      throw Decoder.damaged("gzip", "something else follows its end");
    }
    flags = field[3];
    after(0);
  }

  private void skipEmpty() {
    if (extra == 0) {
      after(FLAG_EXTRA);
    }
  }

  /** What the flags announce next, after the part of the given flag. */
  private void after(int flag) {
    filled = 0;
    if (flag < FLAG_HEADER_CRC && (flags & FLAG_EXTRA) != 0) {
      state = State.EXTRA_LENGTH;
    } else if ((flag == 0 || flag == FLAG_EXTRA) && (flags & FLAG_NAME) != 0) {
      state = State.NAME;
    } else if ((flag == 0 || flag == FLAG_EXTRA || flag == FLAG_NAME)
        && (flags & FLAG_COMMENT) != 0) {
      state = State.COMMENT;
    } else if (flag != FLAG_HEADER_CRC && (flags & FLAG_HEADER_CRC) != 0) {
      state = State.HEADER_CRC;
    } else {
      state = State.BODY;
    }
  }

  private long inflate(MemorySegment input, ByteSink output) throws IOException {
    ByteBuffer source = input.asByteBuffer();
    inflater.setInput(source);
    while (true) {
      ByteBuffer target = out.asByteBuffer();
      int count;
      try {
        count = inflater.inflate(target);
      } catch (DataFormatException e) {
        throw Decoder.damaged("gzip", "it is damaged (" + e.getMessage() + ")");
      }
      if (count > 0) {
        MemorySegment part = out.asSlice(0, count);
        crc.update(part.asByteBuffer());
        memberSize += count;
        output.write(part);
      }
      if (inflater.finished()) {
        state = State.TRAILER;
        filled = 0;
        return source.position();
      }
      if (inflater.needsDictionary()) {
        throw Decoder.damaged("gzip", "it needs a dictionary");
      }
      if (count == 0 && !source.hasRemaining()) {
        return source.position();
      }
    }
  }

  private void takeTrailer() {
    long sum = little(0);
    long length = little(4);
    if (sum != crc.getValue() || length != (memberSize & 0xffffffffL)) {
      throw Decoder.damaged("gzip", "its checksum is wrong");
    }
    crc.reset();
    memberSize = 0;
    inflater.reset();
    state = State.BETWEEN;
  }

  private long little(int at) {
    return (field[at] & 0xffL)
        | (field[at + 1] & 0xffL) << 8
        | (field[at + 2] & 0xffL) << 16
        | (field[at + 3] & 0xffL) << 24;
  }

  @Override
  public void finish() {
    if (state != State.BETWEEN) {
      throw Decoder.damaged("gzip", "it ends in the middle; it was cut off");
    }
  }

  @Override
  public void close() {
    inflater.end();
    arena.close();
  }
}
