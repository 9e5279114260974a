package io.berth.containerd.settings;

/**
 * Where a container's root file system comes from: a snapshot, or a folder of the host.
 *
 * @param snapshotter who keeps the snapshot; empty for the default one
 * @param snapshotKey the snapshot's; empty for a folder
 * @param folder an absolute path used instead of a snapshot; empty for a snapshot
 */
public record RootFilesystem(String snapshotter, String snapshotKey, String folder) {
  /** Whether it is a snapshot. */
  public boolean isSnapshot() {
    return !snapshotKey.isEmpty();
  }
}
