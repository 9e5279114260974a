package io.berth.image.volume;

import io.berth.base.error.BerthException;
import io.berth.linux.Fd;
import io.berth.linux.MountFlags;
import io.berth.linux.MountInfo;
import io.berth.linux.Mounts;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Mounts what a volume was made with over the volume's folder, in the mount namespace of the
 * calling thread, and unmounts it. The kernel's table of mounts is all that is kept: whether a
 * volume is mounted is asked there, so a service that was killed has forgotten nothing. For
 * platform threads, because a server that does not answer keeps mount(2) waiting.
 */
final class VolumeMount {
  private static final List<String> NETWORK = List.of("nfs", "nfs4", "cifs", "smb3");
  private static final String ADDRESS = "addr=";

  /** Words that are no option of a file system but an attribute of the mount. */
  private static final Map<String, Long> FLAGS =
      Map.ofEntries(
          Map.entry("ro", MountFlags.MS_RDONLY),
          Map.entry("nosuid", MountFlags.MS_NOSUID),
          Map.entry("nodev", MountFlags.MS_NODEV),
          Map.entry("noexec", MountFlags.MS_NOEXEC),
          Map.entry("sync", MountFlags.MS_SYNCHRONOUS),
          Map.entry("dirsync", MountFlags.MS_DIRSYNC),
          Map.entry("noatime", MountFlags.MS_NOATIME),
          Map.entry("nodiratime", MountFlags.MS_NODIRATIME),
          Map.entry("relatime", MountFlags.MS_RELATIME),
          Map.entry("strictatime", MountFlags.MS_STRICTATIME));

  /** Words that take a flag away, which here are the default. */
  private static final Map<String, String> OPPOSITES =
      Map.of(
          "rw", "ro",
          "suid", "nosuid",
          "dev", "nodev",
          "exec", "noexec",
          "async", "sync",
          "atime", "noatime",
          "diratime", "nodiratime");

  /** The attributes that a bind mount can have, which is not of a file system of its own. */
  private static final Map<Long, Long> ATTRIBUTES =
      Map.of(
          MountFlags.MS_RDONLY, MountFlags.MOUNT_ATTR_RDONLY,
          MountFlags.MS_NOSUID, MountFlags.MOUNT_ATTR_NOSUID,
          MountFlags.MS_NODEV, MountFlags.MOUNT_ATTR_NODEV,
          MountFlags.MS_NOEXEC, MountFlags.MOUNT_ATTR_NOEXEC,
          MountFlags.MS_NODIRATIME, MountFlags.MOUNT_ATTR_NODIRATIME,
          MountFlags.MS_NOATIME, MountFlags.MOUNT_ATTR_NOATIME,
          MountFlags.MS_STRICTATIME, MountFlags.MOUNT_ATTR_STRICTATIME);

  private final VolumeOptions options;
  private final List<String> data = new ArrayList<>();
  private long flags;

  private VolumeMount(VolumeOptions options) {
    this.options = options;
    for (String word : options.words()) {
      String opposite = OPPOSITES.get(word);
      Long flag = FLAGS.get(opposite == null ? word : opposite);
      if (flag != null) {
        flags = opposite == null ? flags | flag : flags & ~flag;
      } else if (!List.of("bind", "rbind", "defaults").contains(word)) {
        data.add(word);
      }
    }
  }

  /**
   * Where something is mounted, in the mount namespace of the calling thread. It is read from the
   * kernel's table, for a question after the files would wait for a server that has gone away.
   */
  static Set<String> targets() {
    try {
      return MountInfo.read(Path.of("/proc/thread-self/mountinfo")).stream()
          .map(MountInfo::target)
          .collect(Collectors.toUnmodifiableSet());
    } catch (SyscallException e) {
      throw new BerthException.Internal("look at what is mounted: " + e.getMessage(), e);
    }
  }

  /** Whether something is mounted over the folder of a volume, by {@link #targets}. */
  static boolean isMounted(Path folder, Set<String> targets) {
    try {
      // The volume's own place is on this host, and its name may lead there over links.
      Path place = Objects.requireNonNull(folder.getParent(), "the folder of a volume");
      return targets.contains(place.toRealPath().resolve(folder.getFileName()).toString());
    } catch (IOException e) {
      return false;
    }
  }

  /**
   * Mounts it, unless it is mounted already.
   *
   * @throws BerthException FAILED_PRECONDITION with the kernel's reason
   */
  static void mount(String name, VolumeOptions options, Path folder) {
    if (isMounted(folder, targets())) {
      return;
    }
    try {
      new VolumeMount(options).mount(folder);
    } catch (SyscallException e) {
      throw failure(name, options, e.errno().toString(), e);
    } catch (UnknownHostException e) {
      throw failure(name, options, "its server's name leads to no address", e);
    }
  }

  private static BerthException failure(
      String name, VolumeOptions options, String why, Exception cause) {
    String what =
        options.isBind()
            ? "`" + options.device() + "`"
            : "`" + options.device() + "` of type " + options.type();
    return new BerthException.FailedPrecondition(
        "mount volume `"
            + name
            + "`: "
            + what
            + ": "
            + why
            + "; see what it was made with: berth volume inspect "
            + name,
        cause);
  }

  private void mount(Path folder) throws SyscallException, UnknownHostException {
    if (options.isBind()) {
      bind(folder);
      return;
    }
    Mounts.mount(options.device(), folder, options.type(), flags, String.join(",", resolved(data)));
  }

  // A clone that is attached when it is what it shall be, so that nobody sees it writable before.
  private void bind(Path folder) throws SyscallException {
    boolean recursive = options.isRecursive();
    try (Fd tree = Mounts.cloneTree(Path.of(options.device()), recursive)) {
      long attributes = 0;
      for (Map.Entry<Long, Long> each : ATTRIBUTES.entrySet()) {
        attributes |= (flags & each.getKey()) == 0 ? 0 : each.getValue();
      }
      if (attributes != 0) {
        // Of the ways to keep the time of access there is one at a time.
        long clear =
            (attributes & MountFlags.MOUNT_ATTR_ATIME_MASK) == 0
                ? 0
                : MountFlags.MOUNT_ATTR_ATIME_MASK;
        Mounts.setAttributes(
            tree,
            recursive,
            new Mounts.Attributes(attributes, clear, 0, /* userNamespace= */ null));
      }
      Mounts.attach(tree, folder);
    }
  }

  // The kernel asks no resolver: it takes addresses.
  private List<String> resolved(List<String> words) throws UnknownHostException {
    List<String> result = new ArrayList<>();
    for (String word : words) {
      result.add(
          NETWORK.contains(options.type()) && word.startsWith(ADDRESS)
              ? ADDRESS + InetAddress.getByName(word.substring(ADDRESS.length())).getHostAddress()
              : word);
    }
    return result;
  }

  /**
   * Unmounts what is mounted over a folder. Who still reads in it keeps it until the end of that.
   *
   * @throws BerthException INTERNAL if something stays mounted
   */
  static void unmount(String name, Path folder) {
    try {
      while (isMounted(folder, targets())) {
        Mounts.unmount(folder, MountFlags.MNT_DETACH | MountFlags.UMOUNT_NOFOLLOW);
      }
    } catch (SyscallException e) {
      throw new BerthException.Internal("unmount volume `" + name + "`: " + e.getMessage(), e);
    }
  }
}
