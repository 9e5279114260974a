package io.berth.shim.plan;

import io.berth.linux.MountFlags;
import java.util.ArrayList;
import java.util.List;

/**
 * The words of a mount's option list (mount(8), and those of the runtime specification), sorted by
 * what the kernel wants them for.
 *
 * @param idMapped {@code idmap} and {@code ridmap}; the second maps what is mounted below, too
 * @param set attributes of the mount to set, {@code MOUNT_ATTR_*}
 * @param clear attributes to clear
 * @param recursiveSet the same for everything below, too ({@code rro} and its like)
 * @param propagation {@code MS_*}, with {@code MS_REC} where asked; 0 leaves it
 * @param data what the file system itself is told, comma separated
 */
public record MountOptions(
    boolean bind,
    boolean recursive,
    boolean remount,
    boolean copyUp,
    IdMapping idMapped,
    long set,
    long clear,
    long recursiveSet,
    long recursiveClear,
    long propagation,
    String data) {

  /** How much of a mount has its ids mapped. */
  public enum IdMapping {
    NONE,
    MOUNT,
    TREE
  }

  /** Reads the words; what is not known goes to the file system. */
  public static MountOptions parse(List<String> words) {
    Reader reader = new Reader();
    words.forEach(reader::take);
    return new MountOptions(
        reader.bind,
        reader.recursive,
        reader.remount,
        reader.copyUp,
        reader.idMapped,
        reader.set,
        reader.clear,
        reader.recursiveSet,
        reader.recursiveClear,
        reader.propagation,
        String.join(",", reader.data));
  }

  /** Whether the mount is to be read-only. */
  public boolean readOnly() {
    return (set & MountFlags.MOUNT_ATTR_RDONLY) != 0;
  }

  private static final class Reader {
    private final List<String> data = new ArrayList<>();
    private boolean bind;
    private boolean recursive;
    private boolean remount;
    private boolean copyUp;
    private IdMapping idMapped = IdMapping.NONE;
    private long set;
    private long clear;
    private long recursiveSet;
    private long recursiveClear;
    private long propagation;

    void take(String word) {
      switch (word) {
        case "", "defaults", "async", "nomand", "norelatime", "nostrictatime", "nolazytime" -> {
          // What a new mount is anyway.
        }
        case "bind" -> bind = true;
        case "rbind" -> {
          bind = true;
          recursive = true;
        }
        case "remount" -> remount = true;
        case "tmpcopyup" -> copyUp = true;
        case "idmap" -> idMapped = IdMapping.MOUNT;
        case "ridmap" -> idMapped = IdMapping.TREE;
        case "private" -> propagation = MountFlags.MS_PRIVATE;
        case "rprivate" -> propagation = MountFlags.MS_PRIVATE | MountFlags.MS_REC;
        case "slave" -> propagation = MountFlags.MS_SLAVE;
        case "rslave" -> propagation = MountFlags.MS_SLAVE | MountFlags.MS_REC;
        case "shared" -> propagation = MountFlags.MS_SHARED;
        case "rshared" -> propagation = MountFlags.MS_SHARED | MountFlags.MS_REC;
        case "unbindable" -> propagation = MountFlags.MS_UNBINDABLE;
        case "runbindable" -> propagation = MountFlags.MS_UNBINDABLE | MountFlags.MS_REC;
        default -> {
          if (!attribute(word, false)
              && !(word.startsWith("r") && attribute(word.substring(1), true))) {
            data.add(word);
          }
        }
      }
    }

    private boolean attribute(String word, boolean everywhere) {
      long bit =
          switch (word) {
            case "ro", "rw" -> MountFlags.MOUNT_ATTR_RDONLY;
            case "nosuid", "suid" -> MountFlags.MOUNT_ATTR_NOSUID;
            case "nodev", "dev" -> MountFlags.MOUNT_ATTR_NODEV;
            case "noexec", "exec" -> MountFlags.MOUNT_ATTR_NOEXEC;
            case "noatime", "atime" -> MountFlags.MOUNT_ATTR_NOATIME;
            case "strictatime" -> MountFlags.MOUNT_ATTR_STRICTATIME;
            case "nodiratime", "diratime" -> MountFlags.MOUNT_ATTR_NODIRATIME;
            case "nosymfollow", "symfollow" -> MountFlags.MOUNT_ATTR_NOSYMFOLLOW;
            case "relatime" -> MountFlags.MOUNT_ATTR_ATIME_MASK;
            default -> 0;
          };
      if (bit == 0) {
        return false;
      }
      boolean on =
          switch (word) {
            case "rw", "suid", "dev", "exec", "atime", "diratime", "symfollow", "relatime" -> false;
            default -> true;
          };
      boolean time = (bit & MountFlags.MOUNT_ATTR_ATIME_MASK) != 0;
      // Ways of keeping access times are values of one field, not bits: clear the field first.
      long mask = time ? MountFlags.MOUNT_ATTR_ATIME_MASK : bit;
      long value = on ? bit : 0;
      if (everywhere) {
        recursiveSet = (recursiveSet & ~mask) | value;
        recursiveClear = on && !time ? recursiveClear & ~mask : recursiveClear | mask;
      } else {
        set = (set & ~mask) | value;
        clear = on && !time ? clear & ~mask : clear | mask;
      }
      return true;
    }
  }
}
