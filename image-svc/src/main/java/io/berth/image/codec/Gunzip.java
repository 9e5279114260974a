package io.berth.image.codec;

import io.berth.linux.GzipDecoder;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** gzip (RFC 1952). */
final class Gunzip implements Decoder.Unpacker {
  private final GzipDecoder decoder = GzipDecoder.create();
  private final Arena arena = Arena.ofShared();
  private final MemorySegment out = arena.allocate(Decoder.BUFFER, 64);

  @Override
  public void push(MemorySegment input, ByteSink output) throws IOException {
    MemorySegment rest = input;
    while (true) {
      GzipDecoder.Progress progress = decode(rest);
      rest = rest.asSlice(progress.consumed());
      if (progress.produced() > 0) {
        output.write(out.asSlice(0, progress.produced()));
      }
      // A full buffer may hide more of what has been read already.
      if (rest.byteSize() == 0 && progress.produced() < out.byteSize()) {
        return;
      }
    }
  }

  private GzipDecoder.Progress decode(MemorySegment input) {
    try {
      return decoder.decode(input, out);
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
    arena.close();
  }
}
