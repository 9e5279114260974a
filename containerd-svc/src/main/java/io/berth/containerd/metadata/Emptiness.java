package io.berth.containerd.metadata;

import java.util.List;

/** Asks image-svc what namespaces hold, for most of that is kept there. */
public interface Emptiness {
  /**
   * What is still in a namespace, each kind in words for a person ({@code images}, {@code blobs},
   * {@code snapshots ...}); empty if nothing is. Blocks; UNAVAILABLE when it cannot be learned.
   */
  List<String> remaining(String namespace);

  /**
   * The namespaces that hold something there. Blocks for at most two seconds; UNAVAILABLE when it
   * cannot be learned.
   */
  List<String> occupied();
}
