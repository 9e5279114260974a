package io.berth.containerd.metadata;

import java.util.List;

/** What other services know about a namespace. */
public interface Emptiness {
  /**
   * What is still in it, in words ({@code images}, {@code blobs}, {@code snapshots ...}).
   * UNAVAILABLE when that cannot be learned.
   */
  List<String> remaining(String namespace);
}
