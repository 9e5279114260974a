package io.berth.image.tree;

import io.berth.image.tree.MergedTree.Node;
import io.berth.linux.FileStatus;
import io.berth.linux.SyscallException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What is different in one tree against another, by docker's rules: a directory that is only there
 * because something in it changed is not listed unless names were added to or deleted from it, and
 * then once; the root never is; what is below a deleted directory is not listed.
 */
public final class TreeComparison {
  private record Pair(Node now, @Nullable Node before) {}

  private final MergedTree now;
  private final MergedTree before;
  private final boolean stacked;
  private final Map<String, Change> changes = new HashMap<>();

  private TreeComparison(MergedTree now, MergedTree before, boolean stacked) {
    this.now = now;
    this.before = before;
    this.stacked = stacked;
  }

  /**
   * Compares two trees.
   *
   * @param stacked the first tree is the second with one layer more on top, so that only this layer
   *     needs to be walked
   * @return sorted by path, parents first
   */
  public static List<Change> changes(MergedTree now, MergedTree before, boolean stacked)
      throws SyscallException {
    TreeComparison comparison = new TreeComparison(now, before, stacked);
    Deque<Pair> open = new ArrayDeque<>();
    open.push(new Pair(now.root(), before.root()));
    while (!open.isEmpty()) {
      comparison.directory(open.pop(), open);
    }
    return comparison.changes.values().stream().sorted().toList();
  }

  private void directory(Pair pair, Deque<Pair> open) throws SyscallException {
    Set<String> names = new HashSet<>();
    for (Node child : now.children(pair.now)) {
      names.add(child.name());
      // The first of a directory's parts is always that of the topmost layer that has the
      // directory.
      if (stacked && child.layer() != 0) {
        continue;
      }
      Node old = pair.before == null ? null : before.child(pair.before, child.name());
      if (old == null) {
        add(Change.Kind.ADDED, child.path());
        parentChanged(pair.now.path());
      } else if (differs(child, old)) {
        add(Change.Kind.CHANGED, child.path());
      }
      if (child.status().isDirectory()) {
        open.push(new Pair(child, old != null && old.status().isDirectory() ? old : null));
      }
    }
    for (Node old : pair.before == null ? List.<Node>of() : before.children(pair.before)) {
      if (!names.contains(old.name())) {
        add(Change.Kind.DELETED, old.path());
        parentChanged(pair.now.path());
      }
    }
  }

  private void add(Change.Kind kind, String path) {
    changes.put(path, new Change(kind, path));
  }

  private void parentChanged(String path) {
    if (!path.isEmpty()) {
      changes.putIfAbsent(path, new Change(Change.Kind.CHANGED, path));
    }
  }

  private boolean differs(Node now, Node old) throws SyscallException {
    FileStatus a = now.status();
    FileStatus b = old.status();
    if (a.mode() != b.mode()
        || a.uid() != b.uid()
        || a.gid() != b.gid()
        || !a.special().equals(b.special())) {
      return true;
    }
    if (!a.modified().equals(b.modified()) || (!a.isDirectory() && a.size() != b.size())) {
      return true;
    }
    if (stacked && !a.isDirectory()) {
      // Overlayfs copied the file up because something about it was to change.
      return true;
    }
    if (a.isSymbolicLink()) {
      return !this.now.readLink(now).equals(before.readLink(old));
    }
    return !sameAttributes(now, old);
  }

  private boolean sameAttributes(Node now, Node old) throws SyscallException {
    Map<String, byte[]> a = this.now.attributes(now);
    Map<String, byte[]> b = before.attributes(old);
    List<String> names = new ArrayList<>(a.keySet());
    return names.equals(new ArrayList<>(b.keySet()))
        && names.stream().allMatch(name -> Arrays.equals(a.get(name), b.get(name)));
  }
}
