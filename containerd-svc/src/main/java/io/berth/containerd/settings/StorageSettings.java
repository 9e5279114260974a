package io.berth.containerd.settings;

import java.util.List;
import java.util.Map;

/**
 * What a container finds in its file systems.
 *
 * @param mounts what a person wants mounted, beside the file systems that every container has
 * @param volumesFrom {@code REF}, {@code REF:ro} or {@code REF:rw}: containers whose binds and
 *     volumes are taken over, below the mounts given here
 * @param volumeDriver empty or {@code local}
 * @param driverOptions options of a storage driver, of which there is none: any is refused
 * @param sharedMemory bytes of {@code /dev/shm}; 0 where nothing was said
 * @param readOnlyRoot whether the root file system is read-only
 */
public record StorageSettings(
    List<Mount> mounts,
    List<String> volumesFrom,
    String volumeDriver,
    Map<String, String> driverOptions,
    long sharedMemory,
    boolean readOnlyRoot) {
  public StorageSettings {
    mounts = List.copyOf(mounts);
    volumesFrom = List.copyOf(volumesFrom);
    driverOptions = Ordered.copy(driverOptions);
  }

  /** The same with other mounts. */
  public StorageSettings withMounts(List<Mount> changed) {
    return new StorageSettings(
        changed, volumesFrom, volumeDriver, driverOptions, sharedMemory, readOnlyRoot);
  }

  /** The same with so many bytes of shared memory. */
  public StorageSettings withSharedMemory(long bytes) {
    return new StorageSettings(
        mounts, volumesFrom, volumeDriver, driverOptions, bytes, readOnlyRoot);
  }
}
