package io.berth.containerd.client;

import io.berth.containerd.client.ImageCalls.Sizes;
import io.berth.containerd.settings.RootFilesystem;
import java.util.HashMap;
import java.util.Map;

/**
 * The bytes of root file systems, for one request: a snapshot that several of them stand on is
 * asked for once. Not thread-safe.
 */
public final class RootSizes {
  /** What is asked of snapshots. */
  interface Snapshots {
    /** NOT_FOUND for one that is not there. */
    Layer layer(String namespace, String snapshotter, String key);
  }

  /**
   * A snapshot by itself.
   *
   * @param parent empty if it stands on none
   */
  record Layer(long bytes, String parent) {}

  private record Place(String namespace, String snapshotter, String key) {}

  private final Snapshots snapshots;

  /** The bytes of snapshots with those that they stand on. */
  private final Map<Place, Long> wholes = new HashMap<>();

  RootSizes(Snapshots snapshots) {
    this.snapshots = snapshots;
  }

  /** The bytes of a root, without those of its snapshot's parents and with them. */
  public Sizes of(String namespace, RootFilesystem root) {
    Layer own = snapshots.layer(namespace, root.snapshotter(), root.snapshotKey());
    return new Sizes(
        own.bytes(), own.bytes() + whole(new Place(namespace, root.snapshotter(), own.parent())));
  }

  private long whole(Place place) {
    if (place.key().isEmpty()) {
      return 0;
    }
    Long known = wholes.get(place);
    if (known != null) {
      return known;
    }
    Layer layer = snapshots.layer(place.namespace(), place.snapshotter(), place.key());
    long whole =
        layer.bytes() + whole(new Place(place.namespace(), place.snapshotter(), layer.parent()));
    wholes.put(place, whole);
    return whole;
  }
}
