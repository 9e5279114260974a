package io.berth.image.codec;

import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/** Unpacks zstd (RFC 8878), frame after frame. */
final class Unzstd implements Decoder.Unpacker {
  private final ZstdDecompressCtx context = new ZstdDecompressCtx();
  private boolean frameEnded;

  @Override
  public void push(MemorySegment input, DecodedOutput output) throws IOException {
    ByteBuffer source = input.asByteBuffer();
    while (true) {
      ByteBuffer target = output.room().asByteBuffer();
      boolean more = source.hasRemaining();
      try {
        if (more || !frameEnded) {
          frameEnded = context.decompressDirectByteBufferStream(target, source);
        }
      } catch (ZstdException e) {
        throw Decoder.damaged("zstd", "it is damaged (" + e.getMessage() + ")");
      }
      if (target.position() > 0) {
        output.filled(target.position());
      }
      // If the memory is full, there may be more output of the input that was read already.
      if (!source.hasRemaining() && target.hasRemaining()) {
        return;
      }
    }
  }

  @Override
  public void finish() {
    if (!frameEnded) {
      throw Decoder.damaged("zstd", "it ends in the middle; it was cut off");
    }
  }

  @Override
  public void close() {
    context.close();
  }
}
