package io.berth.image.volume;

import io.berth.base.error.BerthException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a volume was made with that is no folder of the instance: the file system or folder of the
 * host that is mounted in its place, in the words of docker's local driver, which are those of
 * mount(8).
 *
 * @param type of the file system; without meaning for a bind mount
 * @param device what is mounted: an absolute path for a bind mount, else whatever the file system
 *     takes as its source
 * @param words of the option {@code o}
 */
record VolumeOptions(String type, String device, List<String> words) {
  private static final String TYPE = "type";
  private static final String DEVICE = "device";
  private static final String WORDS = "o";

  /**
   * File systems with files of somebody's. Those through which the kernel is steered (proc, sysfs,
   * cgroup and others) are none of them: a container gets its own, guarded ones.
   */
  private static final Set<String> TYPES =
      Set.of(
          "tmpfs",
          "ramfs",
          "hugetlbfs",
          "overlay",
          "none",
          "bind",
          "nfs",
          "nfs4",
          "cifs",
          "smb3",
          "9p",
          "virtiofs",
          "ceph",
          "ext2",
          "ext3",
          "ext4",
          "xfs",
          "btrfs",
          "f2fs",
          "vfat",
          "exfat",
          "ntfs3",
          "iso9660",
          "udf",
          "squashfs",
          "erofs");

  /** The text of an option, which is a line of less than a page, as mount(2) has it. */
  private static final Pattern TEXT = Pattern.compile("\\P{Cntrl}{0,2048}");

  /** Words that ask for something else than a mount, or for a device that nobody would free. */
  private static final Set<String> NO_WORDS = Set.of("remount", "move", "loop");

  VolumeOptions {
    words = List.copyOf(words);
  }

  /**
   * From what a person gave; null without options. INVALID_ARGUMENT for a driver or options that
   * there are not, or that do not fit together.
   */
  static @Nullable VolumeOptions parse(String driver, Map<String, String> options) {
    if (!List.of("", "local").contains(driver)) {
      throw new BerthException.InvalidArgument(
          "create volume: driver `"
              + driver
              + "`: there is no such driver; leave it out, or write local");
    }
    options.forEach((key, value) -> {
      if (!List.of(TYPE, DEVICE, WORDS).contains(key)) {
        throw new BerthException.InvalidArgument(
            "create volume: invalid option key: \"" + key + "\"; there are type, device and o");
      }
      if (!TEXT.matcher(value).matches()) {
        throw new BerthException.InvalidArgument(
            "create volume: option " + key + ": is no line of at most 2048 characters; shorten it");
      }
    });
    if (options.isEmpty()) {
      return null;
    }
    VolumeOptions result = stored(options);
    result.check();
    return result;
  }

  /** From options that were checked before they were stored. */
  static VolumeOptions stored(Map<String, String> options) {
    String words = options.getOrDefault(WORDS, "");
    return new VolumeOptions(
        options.getOrDefault(TYPE, ""),
        options.getOrDefault(DEVICE, ""),
        List.of(words.split(",")).stream().filter(word -> !word.isEmpty()).toList());
  }

  /** Whether it is a folder of the host. */
  boolean isBind() {
    return words.contains("bind") || isRecursive();
  }

  /** Whether it is a folder of the host with all that is mounted below it. */
  boolean isRecursive() {
    return words.contains("rbind");
  }

  private void check() {
    if (type.isEmpty() || device.isEmpty()) {
      throw new BerthException.InvalidArgument(
          "create volume: missing required option: \""
              + (type.isEmpty() ? TYPE : DEVICE)
              + "\"; type and device go together, as in type=tmpfs, device=tmpfs");
    }
    if (!TYPES.contains(type)) {
      throw new BerthException.InvalidArgument(
          "create volume: type `"
              + type
              + "`: no file system with files of yours; there are "
              + String.join(", ", TYPES.stream().sorted().toList()));
    }
    for (String word : words) {
      if (NO_WORDS.contains(word)) {
        throw new BerthException.InvalidArgument(
            "create volume: option o: `" + word + "` cannot be mounted; leave it out");
      }
    }
    if (isBind() && !device.startsWith("/")) {
      throw new BerthException.InvalidArgument(
          "create volume: device `" + device + "`: a bind mount needs an absolute path");
    }
    if (!isBind() && List.of("none", "bind").contains(type)) {
      throw new BerthException.InvalidArgument(
          "create volume: type `" + type + "`: write o=bind as well, or the type of a file system");
    }
  }
}
