package io.berth.image.api;

import com.google.protobuf.ByteString;
import io.berth.image.codec.ByteSource;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The bytes of a client stream's messages, one after the other. Belongs to one thread. */
final class StreamedBytes<Q> implements ByteSource {
  private final RequestStream<Q> requests;
  private final Function<Q, ByteString> data;
  private ByteString current;
  private int at;

  StreamedBytes(RequestStream<Q> requests, Function<Q, ByteString> data, ByteString first) {
    this.requests = requests;
    this.data = data;
    this.current = first;
  }

  @Override
  public int read(MemorySegment into) {
    while (at == current.size()) {
      @Nullable Q next = requests.next();
      if (next == null) {
        return -1;
      }
      current = data.apply(next);
      at = 0;
    }
    int part = (int) Math.min(into.byteSize(), current.size() - at);
    // The bytes are copied once, from the message to native memory.
    MemorySegment source = MemorySegment.ofBuffer(current.asReadOnlyByteBuffer()).asSlice(at, part);
    MemorySegment.copy(source, ValueLayout.JAVA_BYTE, 0, into, ValueLayout.JAVA_BYTE, 0, part);
    at += part;
    return part;
  }
}
