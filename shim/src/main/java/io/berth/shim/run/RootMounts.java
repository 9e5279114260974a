package io.berth.shim.run;

import io.berth.base.error.BerthException;
import io.berth.base.layout.RootfsMount;
import io.berth.linux.Fd;
import io.berth.linux.KernelFeature;
import io.berth.linux.MountFlags;
import io.berth.linux.Mounts;
import io.berth.linux.Overlays;
import io.berth.linux.SyscallException;
import io.berth.shim.plan.MountOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Mounts that a client hands over for a root file system, made detached: seen by nobody yet. */
final class RootMounts {
  private RootMounts() {}

  /**
   * Makes one.
   *
   * @param overlays how overlays are mounted on this kernel
   * @param ephemeral whether what is written may be lost: an overlay need not be synced then
   */
  static Fd open(Overlays overlays, RootfsMount mount, boolean ephemeral) throws IOException {
    MountOptions options = MountOptions.parse(mount.options());
    String type = mount.type();
    if (type.startsWith("format/") || type.startsWith("mkdir/") || type.startsWith("mkfs/")) {
      throw new BerthException.NotImplemented(
          "mount of type `" + type + "`: whoever made it has to activate it first");
    }
    try {
      if (options.bind() || type.equals("bind") || type.equals("rbind")) {
        return bind(mount, options);
      }
      return type.equals("overlay") ? overlay(overlays, options, ephemeral) : other(mount, options);
    } catch (SyscallException e) {
      throw new BerthException.Unknown(
          "mount " + type + " for the root file system: " + e.getMessage(), e);
    }
  }

  private static Fd bind(RootfsMount mount, MountOptions options) throws SyscallException {
    Fd fd = Mounts.cloneTree(Path.of(mount.source()), options.recursive());
    return withAttributes(fd, options);
  }

  private static Fd withAttributes(Fd fd, MountOptions options) throws SyscallException {
    try {
      long clear = options.clear();
      if (options.set() != 0 || clear != 0) {
        Mounts.setAttributes(
            fd, /* recursive= */ false, new Mounts.Attributes(options.set(), clear, 0, null));
      }
      if (options.propagation() != 0) {
        Mounts.setAttributes(
            fd,
            (options.propagation() & MountFlags.MS_REC) != 0,
            Mounts.Attributes.propagating(options.propagation() & ~MountFlags.MS_REC));
      }
      return fd;
    } catch (SyscallException | RuntimeException e) {
      fd.close();
      throw e;
    }
  }

  private static Fd overlay(Overlays overlays, MountOptions options, boolean ephemeral)
      throws IOException {
    List<Path> lower = new ArrayList<>();
    Path upper = null;
    Path work = null;
    Map<String, String> others = new LinkedHashMap<>();
    for (String word : split(options.data(), ',')) {
      int equals = word.indexOf('=');
      String key = equals < 0 ? word : word.substring(0, equals);
      String value = equals < 0 ? "" : word.substring(equals + 1);
      switch (key) {
        case "lowerdir" -> split(value, ':').forEach(path -> lower.add(Path.of(plain(path))));
        case "upperdir" -> upper = Path.of(plain(value));
        case "workdir" -> work = Path.of(plain(value));
        case "" -> {
          // Nothing stands between two commas, or at the end.
        }
        default -> others.put(key, value);
      }
    }
    if (lower.isEmpty() || (upper == null) != (work == null)) {
      throw new BerthException.InvalidArgument(
          "mount overlay: lowerdir is missing, or only one of upperdir and workdir is given");
    }
    if (ephemeral && upper != null && KernelFeature.OVERLAY_VOLATILE.inUse()) {
      others.putIfAbsent("volatile", "");
    }
    return withAttributes(overlays.mount(lower, upper, work, others), options);
  }

  /** Splits a text at each separator that has no backslash before it. */
  private static List<String> split(String text, char separator) {
    List<String> parts = new ArrayList<>();
    StringBuilder part = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\\' && i + 1 < text.length()) {
        part.append(c).append(text.charAt(++i));
      } else if (c == separator) {
        parts.add(part.toString());
        part.setLength(0);
      } else {
        part.append(c);
      }
    }
    parts.add(part.toString());
    return parts;
  }

  private static String plain(String escaped) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < escaped.length(); i++) {
      if (escaped.charAt(i) == '\\' && i + 1 < escaped.length()) {
        i++;
      }
      text.append(escaped.charAt(i));
    }
    return text.toString();
  }

  private static Fd other(RootfsMount mount, MountOptions options) throws SyscallException {
    try (Mounts.FsContext context = Mounts.openFileSystem(mount.type())) {
      if (!mount.source().isEmpty()) {
        context.set("source", mount.source());
      }
      for (String word : split(options.data(), ',')) {
        int equals = word.indexOf('=');
        if (equals > 0) {
          context.set(word.substring(0, equals), word.substring(equals + 1));
        } else if (!word.isEmpty()) {
          context.set(word);
        }
      }
      if (options.readOnly()) {
        context.set("ro");
      }
      return withAttributes(context.create().mount(0), options);
    }
  }

  /** Whether what is mounted is a folder: a mount of a file needs a file to be mounted on. */
  static boolean isFolder(RootfsMount mount) {
    MountOptions options = MountOptions.parse(mount.options());
    boolean bind = options.bind() || mount.type().equals("bind");
    return !bind || Files.isDirectory(Path.of(mount.source()));
  }
}
