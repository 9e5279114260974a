package io.berth.image.tree;

import io.berth.image.unpack.Whiteouts;
import io.berth.linux.DirectoryEntry;
import io.berth.linux.Fd;
import io.berth.linux.FileStatus;
import io.berth.linux.OpenFlags;
import io.berth.linux.RootedFiles;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What overlayfs would show of these layers: deletions and opaque directories are honoured,
 * symbolic links are resolved inside the root, {@code ..} ends there. Every single look is a path
 * below one layer's folder, resolved by the kernel (openat2). Belongs to one thread.
 */
public final class MergedTree implements AutoCloseable {
  private static final int MAX_LINKS = 40;

  private final List<RootedFiles> layers;
  private final boolean layered;

  /** The process that {@code /proc/self} is for; 0 if nobody is to be found there. */
  private final int self;

  private MergedTree(List<RootedFiles> layers, boolean layered, int self) {
    this.layers = layers;
    this.layered = layered;
    this.self = self;
  }

  /**
   * Opens the folders of a tree.
   *
   * @param folders topmost first
   * @param layered they hold overlayfs' marks; otherwise only the first is read, as it is
   */
  public static MergedTree open(List<Path> folders, boolean layered) throws IOException {
    List<RootedFiles> layers = new ArrayList<>();
    try {
      for (Path folder : layered ? folders : folders.subList(0, Math.min(1, folders.size()))) {
        layers.add(RootedFiles.open(folder, RootedFiles.Confinement.BENEATH));
      }
      return new MergedTree(layers, layered, 0);
    } catch (IOException | RuntimeException e) {
      layers.forEach(RootedFiles::close);
      throw e;
    }
  }

  /** The tree below one folder, without any meaning of marks. The descriptor stays the caller's. */
  public static MergedTree at(Fd folder) {
    return new MergedTree(
        List.of(RootedFiles.at(folder, RootedFiles.Confinement.BENEATH)),
        /* layered= */ false,
        /* self= */ 0);
  }

  /**
   * The tree that a process has as its root. The descriptor stays the caller's.
   *
   * @param self the process's number where it lives, for the links of /proc that lead every reader
   *     to itself would lead this one to itself or nowhere
   */
  public static MergedTree ofProcess(Fd root, int self) {
    return new MergedTree(
        List.of(RootedFiles.at(root, RootedFiles.Confinement.BENEATH)), /* layered= */ false, self);
  }

  /**
   * A file, directory or link in the tree.
   *
   * @param path without leading slash; empty for the root
   * @param status of the topmost layer that has it
   * @param layer that layer's number
   * @param directories of a directory: the layers whose parts of it are shown, topmost first
   */
  public record Node(String path, FileStatus status, int layer, List<Integer> directories) {
    /** The last component of the path; empty for the root. */
    public String name() {
      return path.substring(path.lastIndexOf('/') + 1);
    }

    String child(String name) {
      return path.isEmpty() ? name : path + "/" + name;
    }
  }

  /** The root directory. */
  public Node root() throws SyscallException {
    List<Integer> all = new ArrayList<>();
    for (int i = 0; i < layers.size(); i++) {
      all.add(i);
    }
    return new Node("", layers.getFirst().status("."), 0, all);
  }

  /** What a directory has under a name, without following a link; null if there is nothing. */
  public @Nullable Node child(Node directory, String name) throws SyscallException {
    String path = directory.child(name);
    List<Integer> parts = new ArrayList<>();
    FileStatus first = null;
    int firstLayer = -1;
    for (int layer : directory.directories) {
      FileStatus status = layers.get(layer).statusOrNull(path);
      if (status == null) {
        continue;
      }
      if (layered && Whiteouts.isWhiteout(status)) {
        break;
      }
      if (first == null) {
        first = status;
        firstLayer = layer;
      }
      if (!status.isDirectory()) {
        break;
      }
      parts.add(layer);
      if (layered && Whiteouts.isOpaque(layers.get(layer), path)) {
        break;
      }
    }
    if (first == null) {
      return null;
    }
    return new Node(path, first, firstLayer, first.isDirectory() ? parts : List.of());
  }

  /** Everything that a directory shows, ordered by name. */
  public List<Node> children(Node directory) throws SyscallException {
    Set<String> names = new TreeSet<>();
    for (int layer : directory.directories) {
      for (DirectoryEntry entry :
          layers.get(layer).list(directory.path.isEmpty() ? "." : directory.path)) {
        names.add(entry.name());
      }
    }
    List<Node> result = new ArrayList<>(names.size());
    for (String name : names) {
      Node node = child(directory, name);
      if (node != null) {
        result.add(node);
      }
    }
    return result;
  }

  /**
   * Finds what a path names.
   *
   * @param followLast whether a link in the last component is followed
   * @return null for nothing, a dangling link, or links in circles
   */
  public @Nullable Node find(String path, boolean followLast) throws SyscallException {
    Deque<String> rest = new ArrayDeque<>();
    push(rest, path);
    Deque<Node> way = new ArrayDeque<>();
    way.push(root());
    int links = 0;
    while (!rest.isEmpty()) {
      String part = rest.pop();
      if (part.equals("..")) {
        if (way.size() > 1) {
          way.pop();
        }
        continue;
      }
      Node here = way.getFirst();
      if (!here.status.isDirectory()) {
        return null;
      }
      Node next = child(here, part);
      if (next == null) {
        return null;
      }
      if (next.status.isSymbolicLink() && (followLast || !rest.isEmpty())) {
        if (++links > MAX_LINKS) {
          return null;
        }
        String target = readLink(next);
        if (target.startsWith("/")) {
          while (way.size() > 1) {
            way.pop();
          }
        }
        push(rest, target);
      } else {
        way.push(next);
      }
    }
    return way.getFirst();
  }

  private static void push(Deque<String> rest, String path) {
    String[] parts = path.split("/", -1);
    for (int i = parts.length - 1; i >= 0; i--) {
      if (!parts[i].isEmpty() && !parts[i].equals(".")) {
        rest.push(parts[i]);
      }
    }
  }

  /** Opens a regular file to read. */
  public Fd open(Node file) throws SyscallException {
    return layers
        .get(file.layer)
        .open(file.path, OpenFlags.O_RDONLY | OpenFlags.O_NOFOLLOW | OpenFlags.O_NONBLOCK);
  }

  /** The content of a symbolic link. */
  public String readLink(Node link) throws SyscallException {
    if (self > 0 && link.path.equals("proc/self")) {
      return String.valueOf(self);
    }
    if (self > 0 && link.path.equals("proc/thread-self")) {
      return self + "/task/" + self;
    }
    return layers.get(link.layer).readLink(link.path);
  }

  /** The extended attributes of a node, without those of overlayfs itself. */
  public SortedMap<String, byte[]> attributes(Node node) throws SyscallException {
    RootedFiles files = layers.get(node.layer);
    SortedMap<String, byte[]> result = new TreeMap<>();
    if (node.path.isEmpty()) {
      return result;
    }
    for (String name : files.attributes(node.path)) {
      if (!name.startsWith(Whiteouts.OVERLAY_ATTRIBUTES)) {
        byte[] value = files.attribute(node.path, name);
        if (value != null) {
          result.put(name, value);
        }
      }
    }
    return result;
  }

  /** Reads a file by its path, following links, up to a bound; null if there is none. */
  public byte @Nullable [] read(String path, int limit) throws SyscallException {
    Node node = find(path, /* followLast= */ true);
    if (node == null || !node.status.isRegular()) {
      return null;
    }
    try (Fd fd = open(node)) {
      return fd.readAll(limit);
    }
  }

  @Override
  public void close() {
    layers.forEach(RootedFiles::close);
  }
}
