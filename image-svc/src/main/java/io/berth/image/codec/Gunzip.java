package io.berth.image.codec;

import io.berth.linux.GzipDecoder;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/** Unpacks gzip (RFC 1952). */
final class Gunzip implements Decoder.Unpacker {
  private final GzipDecoder decoder = GzipDecoder.create();

  @Override
  public void push(MemorySegment input, DecodedOutput output) throws IOException {
    MemorySegment rest = input;
    while (true) {
      MemorySegment room = output.room();
      GzipDecoder.Progress progress = decode(rest, room);
      rest = rest.asSlice(progress.consumed());
      if (progress.produced() > 0) {
        output.filled((int) progress.produced());
      }
      // If the memory is full, there may be more output of the input that was read already.
      if (rest.byteSize() == 0 && progress.produced() < room.byteSize()) {
        return;
      }
    }
  }

  private GzipDecoder.Progress decode(MemorySegment input, MemorySegment room) {
    try {
      return decoder.decode(input, room);
    } catch (IOException e) {
      throw Decoder.damaged("gzip", "it is damaged (" + e.getMessage() + ")");
    }
  }

  @Override
  public void finish() {
    if (!decoder.isComplete()) {
      throw Decoder.damaged("gzip", "it ends in the middle; it was cut off");
    }
  }

  @Override
  public void close() {
    decoder.close();
  }
}
