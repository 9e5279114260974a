package io.berth.containerd.spec;

import io.berth.base.error.BerthException;
import io.berth.oci.runtime.Linux;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Finds device nodes among the files below a folder, which is {@code /dev} except in tests. */
public final class DeviceFolder implements DeviceSource {
  private static final int FORMAT = 0170000;
  private static final int CHARACTER = 0020000;
  private static final int BLOCK = 0060000;

  /**
   * Names that are left out, because a container has such nodes of its own or must not see the
   * host's.
   */
  private static final Set<String> NOT_SHOWN =
      Set.of("pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev", "console", "ptmx");

  private final Path folder;

  public DeviceFolder(Path folder) {
    this.folder = folder;
  }

  @Override
  public List<Linux.Device> at(String hostPath) {
    Path path = Path.of(hostPath);
    try {
      // A name may be a link that leads to the node, as in /dev/disk/by-id.
      Path real = path.toRealPath();
      if (Files.isDirectory(real)) {
        Map<String, Linux.Device> found = new TreeMap<>();
        collect(real, path, found);
        return List.copyOf(found.values());
      }
      Linux.Device device = node(real, hostPath);
      if (device != null) {
        return List.of(device);
      }
    } catch (IOException e) {
      throw new BerthException.InvalidArgument(
          "device `" + hostPath + "`: cannot be read: " + why(path, e), e);
    }
    throw new BerthException.InvalidArgument(
        "device `" + hostPath + "`: is neither a device node nor a folder of some");
  }

  @Override
  public List<Linux.Device> all() {
    Map<String, Linux.Device> found = new TreeMap<>();
    try {
      collect(folder, folder, found);
    } catch (IOException e) {
      throw new BerthException.Unavailable("read `" + folder + "`: " + e.getMessage(), e);
    }
    Collection<Linux.Device> devices = found.values();
    return devices.stream().sorted(Comparator.comparing(Linux.Device::path)).toList();
  }

  private void collect(Path where, Path shownAs, Map<String, Linux.Device> found)
      throws IOException {
    List<Path> entries = new ArrayList<>();
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(where)) {
      stream.forEach(entries::add);
    }
    for (Path entry : entries) {
      String name = entry.getFileName().toString();
      if (NOT_SHOWN.contains(name)) {
        continue;
      }
      Path shown = shownAs.resolve(name);
      if (Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
        collect(entry, shown, found);
      } else {
        Linux.Device device = node(entry, shown.toString());
        if (device != null) {
          found.put(device.path(), device);
        }
      }
    }
  }

  /** The node at a path. Null for a file that is no node, and for one that vanishes meanwhile. */
  private static Linux.@Nullable Device node(Path file, String shownAs) throws IOException {
    Map<String, Object> attributes;
    try {
      attributes = Files.readAttributes(file, "unix:mode,rdev,uid,gid", LinkOption.NOFOLLOW_LINKS);
    } catch (java.nio.file.NoSuchFileException e) {
      return null;
    }
    int mode = number(attributes, "mode").intValue();
    int format = mode & FORMAT;
    if (format != CHARACTER && format != BLOCK) {
      return null;
    }
    long device = number(attributes, "rdev").longValue();
    return new Linux.Device(
        shownAs,
        format == BLOCK ? "b" : "c",
        major(device),
        minor(device),
        mode & 07777,
        number(attributes, "uid").longValue(),
        number(attributes, "gid").longValue());
  }

  private static Number number(Map<String, Object> attributes, String name) {
    return attributes.get(name) instanceof Number number ? number : 0;
  }

  /** Takes a device number apart as glibc and musl pack it into 64 bits (makedev(3)). */
  static int major(long device) {
    return (int) (((device >>> 8) & 0xfff) | ((device >>> 32) & 0xfffff000L));
  }

  static int minor(long device) {
    return (int) ((device & 0xff) | ((device >>> 12) & 0xffffff00L));
  }

  private static String why(Path path, IOException e) {
    return Files.notExists(path) ? "no such file" : String.valueOf(e.getMessage());
  }
}
