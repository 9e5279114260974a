package io.berth.image.tree;

import io.berth.base.error.BerthException;
import io.berth.base.tar.TarEntry;
import io.berth.base.tar.TarWriter;
import io.berth.image.tree.MergedTree.Node;
import io.berth.image.unpack.Whiteouts;
import io.berth.linux.Fd;
import io.berth.linux.FileStatus;
import io.berth.linux.FileTimestamp;
import io.berth.linux.OpenFlags;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Writes a tree, or parts of it, as an archive: owners, modes, times, attributes, devices, hard
 * links. Sockets have no place in one and are left out. A small file is written as it is found when
 * it is read; a large one that shrinks meanwhile is filled up with zeros, one that grows is cut.
 * Belongs to one thread.
 */
public final class TreeTar {
  /**
   * Identifies a file that has several names. The device is a part of it, for a tree may have other
   * file systems mounted in it.
   */
  private record Inode(int layer, FileStatus.Device device, long number) {}

  private final MergedTree tree;
  private final TarWriter out;
  private final Map<Inode, String> linked = new HashMap<>();
  private final Set<String> written = new HashSet<>();
  private static final int MAX_MADE_UP = 8 << 20;

  private final byte[] buffer = new byte[64 << 10];

  public TreeTar(MergedTree tree, TarWriter out) {
    this.tree = tree;
    this.out = out;
  }

  /**
   * Writes a node and everything below it.
   *
   * @param name of the node in the archive; empty: only what is in it is written
   */
  public void writeAll(Node top, String name) throws IOException {
    record Item(Node node, String name) {}
    Deque<Item> open = new ArrayDeque<>();
    open.push(new Item(top, name));
    while (!open.isEmpty()) {
      Item item = open.pop();
      if (!item.name.isEmpty()) {
        try {
          write(item.node, item.name);
        } catch (SyscallException e) {
          throw new BerthException.FailedPrecondition(
              "read `/" + item.node.path() + "` of the container: " + e.errno().text(), e);
        }
      }
      if (item.node.status().isDirectory()) {
        List<Node> children = tree.children(item.node);
        // The stack gives them back in the opposite order, so they are put on it from the last one
        // on.
        for (Node child : children.reversed()) {
          open.push(
              new Item(child, item.name.isEmpty() ? child.name() : item.name + "/" + child.name()));
        }
      }
    }
  }

  /**
   * Writes a layer: what was added or changed, with the directories on the way, and whiteouts for
   * what was deleted.
   */
  public void writeLayer(List<Change> changes) throws IOException {
    for (Change change : changes) {
      String path = change.path();
      parents(path);
      if (change.kind() == Change.Kind.DELETED) {
        int slash = path.lastIndexOf('/') + 1;
        String whiteout = path.substring(0, slash) + Whiteouts.PREFIX + path.substring(slash);
        out.entry(TarEntry.file(whiteout, 0, 0, new FileTimestamp(0, 0)));
      } else if (!written.contains(path)) {
        Node node = tree.find(path, /* followLast= */ false);
        if (node != null) {
          write(node, path);
        }
      }
    }
  }

  private void parents(String path) throws IOException {
    for (int slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
      String parent = path.substring(0, slash);
      if (!written.contains(parent)) {
        Node node = tree.find(parent, /* followLast= */ false);
        if (node != null) {
          write(node, parent);
        }
      }
    }
  }

  private void write(Node node, String name) throws IOException {
    FileStatus status = node.status();
    written.add(name);
    if (status.isDirectory()) {
      out.entry(entry(node, name + "/", TarEntry.Type.DIRECTORY, 0, ""));
      return;
    }
    if (status.links() > 1) {
      String first =
          linked.putIfAbsent(new Inode(node.layer(), status.device(), status.inode()), name);
      if (first != null) {
        out.entry(entry(node, name, TarEntry.Type.HARD_LINK, 0, first));
        return;
      }
    }
    switch (status.type()) {
      case OpenFlags.S_IFREG -> file(node, name);
      case OpenFlags.S_IFLNK ->
          out.entry(entry(node, name, TarEntry.Type.SYMBOLIC_LINK, 0, tree.readLink(node)));
      case OpenFlags.S_IFCHR -> out.entry(entry(node, name, TarEntry.Type.CHARACTER_DEVICE, 0, ""));
      case OpenFlags.S_IFBLK -> out.entry(entry(node, name, TarEntry.Type.BLOCK_DEVICE, 0, ""));
      case OpenFlags.S_IFIFO -> out.entry(entry(node, name, TarEntry.Type.FIFO, 0, ""));
      default -> {
        // Sockets have no place in an archive.
      }
    }
  }

  private void file(Node node, String name) throws IOException {
    try (Fd fd = tree.open(node)) {
      long size = node.status().size();
      int ahead = size < buffer.length ? readAhead(fd, (int) size) : 0;
      if (size < buffer.length && ahead < buffer.length) {
        size = ahead;
      } else if (ahead == buffer.length) {
        madeUp(node, name, fd);
        return;
      }
      out.entry(entry(node, name, TarEntry.Type.FILE, size, ""));
      out.content(buffer, 0, ahead);
      for (long left = size - ahead; left > 0; ) {
        int wanted = (int) Math.min(buffer.length, left);
        int count = fd.read(buffer, 0, wanted);
        if (count == 0) {
          Arrays.fill(buffer, (byte) 0);
          count = wanted;
        }
        out.content(buffer, 0, count);
        left -= count;
      }
    }
  }

  /**
   * Fills the buffer, up to the size that is expected or the end. Files that the kernel makes up
   * (proc(5)) say 0 or a page, whatever they hold, so that less is believed only at the end.
   */
  private int readAhead(Fd fd, int expected) throws IOException {
    int length = 0;
    while (length < buffer.length && (length < expected || expected == 0)) {
      int count = fd.read(buffer, length, buffer.length - length);
      if (count == 0) {
        break;
      }
      length += count;
    }
    return length;
  }

  /** Writes a file that says it were empty, and whose begin is in the buffer. */
  private void madeUp(Node node, String name, Fd fd) throws IOException {
    byte[] rest = fd.readAll(MAX_MADE_UP);
    out.entry(entry(node, name, TarEntry.Type.FILE, (long) buffer.length + rest.length, ""));
    out.content(buffer, 0, buffer.length);
    out.content(rest, 0, rest.length);
  }

  private TarEntry entry(Node node, String name, TarEntry.Type type, long size, String link)
      throws SyscallException {
    FileStatus status = node.status();
    boolean device = type == TarEntry.Type.CHARACTER_DEVICE || type == TarEntry.Type.BLOCK_DEVICE;
    return new TarEntry(
        name,
        type,
        status.permissions(),
        status.uid(),
        status.gid(),
        size,
        status.modified(),
        link,
        device ? status.special().major() : 0,
        device ? status.special().minor() : 0,
        type == TarEntry.Type.HARD_LINK ? Map.of() : tree.attributes(node));
  }
}
