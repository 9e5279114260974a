package io.berth.image.library;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Layers that were unpacked while they came, before anybody knew whether their image would be
 * whole. What nobody has taken when this is closed is thrown away. Thread-safe.
 */
public final class ReadyLayers implements AutoCloseable {
  private final Unpacker unpacker;
  private final Map<String, Unpacker.UnpackedLayer> layers = new ConcurrentHashMap<>();

  ReadyLayers(Unpacker unpacker) {
    this.unpacker = unpacker;
  }

  /**
   * Adds a layer under the digest of the content that it was unpacked from. Not to be called after
   * {@link #close}.
   */
  public void add(String digest, Unpacker.UnpackedLayer layer) {
    Unpacker.UnpackedLayer other = layers.putIfAbsent(digest, layer);
    if (other != null) {
      unpacker.discard(layer);
    }
  }

  /** Takes a layer out, which belongs to the caller from then on; null if there is none. */
  Unpacker.@Nullable UnpackedLayer take(String digest) {
    return layers.remove(digest);
  }

  @Override
  public void close() {
    for (String digest : List.copyOf(layers.keySet())) {
      Unpacker.UnpackedLayer layer = take(digest);
      if (layer != null) {
        unpacker.discard(layer);
      }
    }
  }
}
