package io.berth.image.snapshot;

import java.io.IOException;
import java.util.List;

/** How layers are stacked on disk. Knows folders by number, no records. Thread-safe. */
interface Snapshotter {
  /** The name of the snapshotter on the wire. */
  String name();

  /**
   * Whether a snapshot's folder holds only its own layer, with overlayfs' marks; otherwise it holds
   * the merged tree.
   */
  boolean isLayered();

  /**
   * Makes the folder of a new snapshot.
   *
   * @param parents nearest first
   */
  void make(long id, List<Long> parents, SnapshotInfo.Kind kind) throws IOException;

  /**
   * The mount that shows a snapshot.
   *
   * @param fleeting the mount is made once and never again: it need not be synced
   */
  MountSpec mount(long id, List<Long> parents, SnapshotInfo.Kind kind, boolean fleeting);
}
