package io.berth.image.gc;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The graph of what keeps what. It is filled, and then asked once what can be reached from the
 * roots. It does no I/O.
 */
final class ReferenceGraph {
  private static final String GC = "containerd.io/gc.";
  private static final String ROOT = GC + "root";

  private final Map<Node, List<Node>> references = new HashMap<>();

  /** What a flat lease follows as well: a snapshot's parents, an image's target. */
  private final Map<Node, List<Node>> own = new HashMap<>();

  private final Set<Node> roots = new HashSet<>();
  private final Set<Node> flatRoots = new HashSet<>();

  /** Keeps a node and everything that it leads to. */
  void root(Node node) {
    roots.add(node);
  }

  /** Keeps a node and what is a part of it, but nothing that its labels refer to. */
  void flatRoot(Node node) {
    flatRoots.add(node);
  }

  /** The first node keeps the second one as a part of what it is. */
  void owns(Node from, Node to) {
    own.computeIfAbsent(from, _ -> new ArrayList<>()).add(to);
  }

  /** Reads labels of a node: references, back references, root. */
  void labels(Node node, Map<String, String> labels) {
    for (Map.Entry<String, String> label : labels.entrySet()) {
      String key = label.getKey();
      if (!key.startsWith(GC)) {
        continue;
      }
      if (key.equals(ROOT)) {
        root(node);
      } else if (key.startsWith(GC + "ref.")) {
        Node target =
            target(node.namespace(), key.substring((GC + "ref.").length()), label.getValue());
        if (target != null) {
          references.computeIfAbsent(node, _ -> new ArrayList<>()).add(target);
        }
      } else if (key.startsWith(GC + "bref.")) {
        Node keeper =
            target(node.namespace(), key.substring((GC + "bref.").length()), label.getValue());
        if (keeper != null) {
          references.computeIfAbsent(keeper, _ -> new ArrayList<>()).add(node);
        }
      }
    }
  }

  private static @Nullable Node target(String namespace, String type, String value) {
    if (isOf(type, "content")) {
      return Node.content(namespace, value);
    }
    if (isOf(type, "image")) {
      return Node.image(namespace, value);
    }
    if (isOf(type, "container")) {
      return Node.container(namespace, value);
    }
    if (type.startsWith("snapshot.")) {
      String snapshotter = type.substring("snapshot.".length());
      int slash = snapshotter.indexOf('/');
      return Node.snapshot(
          namespace, slash < 0 ? snapshotter : snapshotter.substring(0, slash), value);
    }
    return null;
  }

  private static boolean isOf(String type, String name) {
    return type.startsWith(name)
        && (type.length() == name.length()
            || type.charAt(name.length()) == '.'
            || type.charAt(name.length()) == '/');
  }

  /** All nodes that are kept. */
  Set<Node> reachable() {
    Set<Node> kept = new HashSet<>();
    walk(roots, kept, /* flat= */ false);
    // The nodes that are reached in full are complete by now; flat roots only add to them.
    walk(flatRoots, kept, /* flat= */ true);
    return kept;
  }

  private void walk(Set<Node> from, Set<Node> kept, boolean flat) {
    Deque<Node> open = new ArrayDeque<>();
    for (Node node : from) {
      if (kept.add(node)) {
        open.push(node);
      }
    }
    while (!open.isEmpty()) {
      Node node = open.pop();
      for (Node next : own.getOrDefault(node, List.of())) {
        if (kept.add(next)) {
          open.push(next);
        }
      }
      for (Node next : flat ? List.<Node>of() : references.getOrDefault(node, List.of())) {
        if (kept.add(next)) {
          open.push(next);
        }
      }
    }
  }
}
