package io.berth.linux;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * The JDK's inflater, with header and trailer (RFC 1952) read here, for a header may be cut
 * anywhere.
 */
final class JdkGzipDecoder implements GzipDecoder {
  private static final int HEADER_CRC = 2;
  private static final int EXTRA = 4;
  private static final int NAME = 8;
  private static final int COMMENT = 16;

  private enum Part {
    FIXED,
    EXTRA_LENGTH,
    EXTRA_BYTES,
    NAME_BYTES,
    COMMENT_BYTES,
    HEADER_CRC_BYTES,
    BODY,
    TRAILER
  }

  private final Inflater inflater = new Inflater(true);
  private final CRC32 crc = new CRC32();
  private Part part = Part.FIXED;
  private int flags;
  private int seen;
  private int extraLength;
  private long trailer;
  private int members;

  @Override
  public Progress decode(MemorySegment input, MemorySegment output) throws IOException {
    long consumed = 0;
    long produced = 0;
    while (true) {
      if (part == Part.BODY) {
        ByteBuffer in = input.asSlice(consumed).asByteBuffer();
        ByteBuffer out = output.asSlice(produced).asByteBuffer();
        if (!out.hasRemaining()) {
          return new Progress(consumed, produced);
        }
        int count = inflate(in, out);
        consumed += in.position();
        produced += count;
        if (part == Part.BODY && count == 0) {
          return new Progress(consumed, produced);
        }
      } else if (consumed < input.byteSize()) {
        accept(input.get(ValueLayout.JAVA_BYTE, consumed++) & 0xff);
      } else {
        return new Progress(consumed, produced);
      }
    }
  }

  private int inflate(ByteBuffer in, ByteBuffer out) throws IOException {
    inflater.setInput(in);
    int start = out.position();
    int count;
    try {
      count = inflater.inflate(out);
    } catch (DataFormatException e) {
      throw damaged(e.getMessage() == null ? "invalid data" : e.getMessage());
    }
    if (inflater.needsDictionary()) {
      throw damaged("it needs a dictionary");
    }
    crc.update(out.slice(start, count));
    if (inflater.finished()) {
      next(Part.TRAILER);
    }
    return count;
  }

  private void accept(int b) throws IOException {
    switch (part) {
      case FIXED -> fixed(b);
      case EXTRA_LENGTH -> {
        extraLength |= b << (8 * seen++);
        if (seen == 2) {
          next(extraLength == 0 ? after(EXTRA) : Part.EXTRA_BYTES);
        }
      }
      case EXTRA_BYTES -> {
        if (++seen == extraLength) {
          next(after(EXTRA));
        }
      }
      case NAME_BYTES -> {
        if (b == 0) {
          next(after(NAME));
        }
      }
      case COMMENT_BYTES -> {
        if (b == 0) {
          next(after(COMMENT));
        }
      }
      case HEADER_CRC_BYTES -> {
        if (++seen == 2) {
          next(Part.BODY);
        }
      }
      case TRAILER -> trailer(b);
      case BODY -> throw new IllegalStateException("the body is the inflater's");
    }
  }

  private void fixed(int b) throws IOException {
    int at = seen++;
    if (at == 0 && b == 0 && members > 0) {
      // Zeros behind the last member are padding.
      seen = 0;
      return;
    }
    if ((at == 0 && b != 0x1f) || (at == 1 && b != 0x8b)) {
      throw damaged("no gzip header");
    }
    if (at == 2 && b != 8) {
      throw damaged("unknown method " + b);
    }
    if (at == 3) {
      flags = b;
      if ((b & 0xe0) != 0) {
        throw damaged("unknown flags");
      }
    }
    if (at == 9) {
      extraLength = 0;
      next((flags & EXTRA) != 0 ? Part.EXTRA_LENGTH : after(EXTRA));
    }
  }

  /** The part of the header that follows the one which a flag announces. */
  private Part after(int flag) {
    if (flag < NAME && (flags & NAME) != 0) {
      return Part.NAME_BYTES;
    }
    if (flag < COMMENT && (flags & COMMENT) != 0) {
      return Part.COMMENT_BYTES;
    }
    return (flags & HEADER_CRC) != 0 ? Part.HEADER_CRC_BYTES : Part.BODY;
  }

  private void next(Part to) {
    part = to;
    seen = 0;
    trailer = 0;
  }

  private void trailer(int b) throws IOException {
    trailer |= (long) b << (8 * seen++);
    if (seen < 8) {
      return;
    }
    if ((trailer & 0xffff_ffffL) != crc.getValue()) {
      throw damaged("its checksum is wrong");
    }
    if (trailer >>> 32 != (inflater.getBytesWritten() & 0xffff_ffffL)) {
      throw damaged("its length is wrong");
    }
    inflater.reset();
    crc.reset();
    members++;
    next(Part.FIXED);
  }

  @Override
  public boolean isComplete() {
    return members > 0 && part == Part.FIXED && seen == 0;
  }

  private static IOException damaged(String how) {
    return new IOException("gzip stream is damaged: " + how);
  }

  @Override
  public void close() {
    inflater.end();
  }
}
