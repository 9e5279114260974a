package io.berth.containerd.event;

import com.google.protobuf.Any;
import com.google.protobuf.Message;
import org.jspecify.annotations.Nullable;

/** Events' payloads as clients of containerd know them. Thread-safe. */
public interface PayloadCodec {
  /** The payload for what happened here. */
  Any encode(Occurrence what);

  /**
   * A payload's message, so that filters see its fields; null for a type that is not known, and for
   * bytes that cannot be read, since clients may publish anything.
   */
  @Nullable Message decode(Any payload);
}
