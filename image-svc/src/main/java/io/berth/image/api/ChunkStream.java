package io.berth.image.api;

import com.google.protobuf.UnsafeByteOperations;
import io.berth.api.berth.image.v1.Chunk;
import io.berth.base.rpc.BlockingSender;
import java.io.OutputStream;

/**
 * An output stream whose bytes go out as messages of 256 KiB. Flushing sends what is there; belongs
 * to one thread.
 */
final class ChunkStream extends OutputStream {
  private static final int SIZE = 256 << 10;

  private final BlockingSender<Chunk> sender;
  private byte[] buffer = new byte[SIZE];
  private int filled;

  ChunkStream(BlockingSender<Chunk> sender) {
    this.sender = sender;
  }

  @Override
  public void write(int b) {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) {
    for (int at = 0; at < length; ) {
      int part = Math.min(SIZE - filled, length - at);
      System.arraycopy(bytes, offset + at, buffer, filled, part);
      filled += part;
      at += part;
      if (filled == SIZE) {
        flush();
      }
    }
  }

  @Override
  public void flush() {
    if (filled > 0) {
      byte[] full = buffer;
      buffer = new byte[SIZE];
      sender.send(
          Chunk.newBuilder().setData(UnsafeByteOperations.unsafeWrap(full, 0, filled)).build());
      filled = 0;
    }
  }
}
