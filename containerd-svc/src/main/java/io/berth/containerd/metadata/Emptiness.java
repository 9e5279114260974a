package io.berth.containerd.metadata;

import java.util.List;

/** Asks image-svc whether a namespace may go, for most of what a namespace holds is kept there. */
public interface Emptiness {
  /**
   * What is still in a namespace, each kind in words for a person ({@code images}, {@code blobs},
   * {@code snapshots ...}); empty if nothing is. Blocks; UNAVAILABLE when it cannot be learned.
   */
  List<String> remaining(String namespace);
}
