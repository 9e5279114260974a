package io.berth.linux.supervisor;

/** Flags of the steps that mount. */
public final class MountStep {
  /** A missing target is made as a folder. */
  public static final int MAKE_FOLDER = Protocol.MOUNT_MAKE_FOLDER;

  /** A missing target is made as an empty file. */
  public static final int MAKE_FILE = Protocol.MOUNT_MAKE_FILE;

  /** Attributes apply to everything below, too. */
  public static final int RECURSIVE = Protocol.MOUNT_RECURSIVE;

  /** Nothing is done where the target is absent. */
  public static final int EXISTING_ONLY = Protocol.MOUNT_EXISTING_ONLY;

  /** The file system itself is read-only, not only this mount of it. */
  public static final int FS_READ_ONLY = Protocol.MOUNT_FS_READ_ONLY;

  private MountStep() {}
}
