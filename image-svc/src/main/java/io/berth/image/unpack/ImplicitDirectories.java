package io.berth.image.unpack;

import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.FileStatus;
import io.berth.linux.OpenFlags;
import io.berth.linux.RootedFiles;
import io.berth.linux.SyscallException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Gives directories that a layer did not list, but that its paths needed, what the layers below say
 * of them: mode, owner, attributes and time of the topmost lower layer that has them, as far as no
 * deletion stands between. So the order in which layers were unpacked leaves no trace.
 */
public final class ImplicitDirectories {
  private final RootedFiles upper;
  private final List<RootedFiles> lower;

  /** Which of the lower layers show a directory, topmost first. */
  private final Map<String, List<Integer>> visible = new HashMap<>();

  private ImplicitDirectories(RootedFiles upper, List<RootedFiles> lower) {
    this.upper = upper;
    this.lower = lower;
  }

  /**
   * To be called once the lower layers are settled themselves.
   *
   * @param upper the layer's own folder
   * @param lower the folders of the layers below, topmost first
   */
  public static void settle(RootedFiles upper, List<RootedFiles> lower, AppliedLayer layer)
      throws SyscallException {
    ImplicitDirectories directories = new ImplicitDirectories(upper, lower);
    if (layer.hidesRoot()) {
      directories.hideRoot();
    }
    for (String path : layer.implicit()) {
      if (layer.hidesRoot() && !path.isEmpty()) {
        return;
      }
      List<Integer> layers = directories.visible(path);
      if (!layers.isEmpty()) {
        directories.copy(lower.get(layers.getFirst()), path.isEmpty() ? "." : path);
      }
    }
  }

  private List<Integer> visible(String path) throws SyscallException {
    List<Integer> known = visible.get(path);
    if (known != null) {
      return known;
    }
    List<Integer> result = new ArrayList<>();
    if (path.isEmpty()) {
      for (int i = 0; i < lower.size(); i++) {
        result.add(i);
      }
    } else {
      String parent = EntryPath.parent(path);
      boolean hidden = !parent.isEmpty() && Whiteouts.isOpaque(upper, parent);
      for (int i : hidden ? List.<Integer>of() : visible(parent)) {
        FileStatus status = lower.get(i).statusOrNull(path);
        if (status == null) {
          continue;
        }
        if (!status.isDirectory()) {
          break;
        }
        result.add(i);
        if (Whiteouts.isOpaque(lower.get(i), path)) {
          break;
        }
      }
    }
    visible.put(path, result);
    return result;
  }

  private void copy(RootedFiles from, String path) throws SyscallException {
    FileStatus status = from.status(path);
    if (path.equals(".")) {
      root(status);
      return;
    }
    upper.changeOwner(path, status.uid(), status.gid());
    for (String name : from.attributes(path)) {
      if (!name.startsWith(Whiteouts.OVERLAY_ATTRIBUTES)) {
        byte[] value = from.attribute(path, name);
        if (value != null) {
          set(path, name, value);
        }
      }
    }
    upper.changeMode(path, status.permissions());
    upper.setTimes(path, status.accessed(), status.modified());
  }

  private void root(FileStatus status) throws SyscallException {
    try (Fd root = upper.open(".", OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY)) {
      root.changeOwner(status.uid(), status.gid());
      root.changeMode(status.permissions());
      root.setTimes(status.accessed(), status.modified());
    }
  }

  private void set(String path, String name, byte[] value) throws SyscallException {
    try {
      upper.setAttribute(path, name, value);
    } catch (SyscallException e) {
      if (!e.is(Errno.EOPNOTSUPP)) {
        throw e;
      }
    }
  }

  /**
   * Overlayfs does not look at the opaque attribute of a layer's root, so each name there gets a
   * deletion of its own.
   */
  private void hideRoot() throws SyscallException {
    FileStatus before = upper.status(".");
    Set<String> done = new HashSet<>();
    for (RootedFiles layer : lower) {
      for (var entry : layer.list(".")) {
        if (!done.add(entry.name())) {
          continue;
        }
        FileStatus own = upper.statusOrNull(entry.name());
        if (own == null) {
          Whiteouts.make(upper, entry.name());
        } else if (own.isDirectory()) {
          Whiteouts.makeOpaque(upper, entry.name());
        }
      }
    }
    try (var root = upper.open(".", OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY)) {
      root.setTimes(before.accessed(), before.modified());
    }
  }
}
