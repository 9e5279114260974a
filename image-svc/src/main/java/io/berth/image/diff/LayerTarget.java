package io.berth.image.diff;

import io.berth.base.error.BerthException;
import io.berth.image.snapshot.MountSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The folders behind mounts that a client got for a snapshot. Nothing is mounted to read or write
 * them.
 *
 * @param folder what is written to, or the topmost of what is read
 * @param lower the layers below it, topmost first
 * @param layered deletions are overlayfs' marks; otherwise the folder holds the merged tree
 */
record LayerTarget(Path folder, List<Path> lower, boolean layered) {
  LayerTarget {
    lower = List.copyOf(lower);
  }

  /** The folders behind mounts that can be written to. */
  static LayerTarget writable(List<MountSpec> mounts) {
    LayerTarget target = of(mounts);
    MountSpec mount = mounts.getFirst();
    if (mount.type().equals("overlay")
        ? mount.option("upperdir").isEmpty()
        : mount.options().contains("ro")) {
      throw new BerthException.FailedPrecondition(
          "apply layer to `" + target.folder + "`: the mount is read-only");
    }
    return target;
  }

  /**
   * The folders behind one bind or overlay mount, as the snapshotters here give them. UNIMPLEMENTED
   * for others.
   */
  static LayerTarget of(List<MountSpec> mounts) {
    if (mounts.size() != 1) {
      throw new BerthException.NotImplemented(mounts.size() + " mounts; only one is supported");
    }
    MountSpec mount = mounts.getFirst();
    return switch (mount.type()) {
      case "bind", "rbind" ->
          new LayerTarget(absolute(mount.source()), List.of(), /* layered= */ false);
      case "overlay" -> overlay(mount);
      default ->
          throw new BerthException.NotImplemented(
              "mount type \"" + mount.type() + "\" is not supported");
    };
  }

  private static LayerTarget overlay(MountSpec mount) {
    List<Path> lower = split(mount.option("lowerdir"));
    String upper = mount.option("upperdir");
    if (!upper.isEmpty()) {
      return new LayerTarget(absolute(upper), lower, /* layered= */ true);
    }
    if (lower.isEmpty()) {
      throw new BerthException.InvalidArgument("overlay mount without any folder");
    }
    return new LayerTarget(lower.getFirst(), lower.subList(1, lower.size()), /* layered= */ true);
  }

  private static List<Path> split(String option) {
    List<Path> result = new ArrayList<>();
    StringBuilder part = new StringBuilder();
    for (int i = 0; i < option.length(); i++) {
      char c = option.charAt(i);
      if (c == '\\' && i + 1 < option.length()) {
        part.append(option.charAt(++i));
      } else if (c == ':') {
        result.add(absolute(part.toString()));
        part.setLength(0);
      } else {
        part.append(c);
      }
    }
    if (!part.isEmpty()) {
      result.add(absolute(part.toString()));
    }
    return result;
  }

  private static Path absolute(String text) {
    if (!text.startsWith("/") || text.indexOf('\0') >= 0) {
      throw new BerthException.InvalidArgument(
          "mount of `" + text.replace('\0', '?') + "`: not an absolute path");
    }
    return Path.of(text);
  }
}
