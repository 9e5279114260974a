package io.berth.image.gc;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class ReferenceGraphTest {
  private static final Node A = Node.content("ns", "sha256:a");
  private static final Node B = Node.content("ns", "sha256:b");
  private static final Node S1 = Node.snapshot("ns", "overlayfs", "one");
  private static final Node S2 = Node.snapshot("ns", "overlayfs", "two");
  private static final Node IMAGE = Node.image("ns", "docker.io/library/x:1");
  private static final Node CONTAINER = Node.container("ns", "c");

  private ReferenceGraph graph = new ReferenceGraph();

  @BeforeEach
  void fresh() {
    graph = new ReferenceGraph();
  }

  @Test
  void labels_followEverySpelling() {
    graph.root(A);
    graph.labels(
        A,
        Map.of(
            "containerd.io/gc.ref.content", "sha256:b",
            "containerd.io/gc.ref.snapshot.overlayfs", "one",
            "containerd.io/gc.ref.image/why", IMAGE.id()));
    graph.labels(B, Map.of("containerd.io/gc.ref.content.l.7", "sha256:c"));
    graph.labels(S1, Map.of("containerd.io/gc.ref.snapshot.overlayfs/name", "two"));
    assertEquals(Set.of(A, B, S1, S2, IMAGE, Node.content("ns", "sha256:c")), graph.reachable());
  }

  @Test
  void labels_otherNamespacesAndLookAlikesAreNotFollowed() {
    graph.root(A);
    graph.labels(
        A,
        Map.of(
            "containerd.io/gc.ref.contents",
            "sha256:b",
            "gc.ref.content",
            "sha256:b",
            "containerd.io/gc.ref.lease",
            "x"));
    graph.labels(
        Node.content("other", "sha256:z"), Map.of("containerd.io/gc.ref.content", "sha256:b"));
    assertEquals(Set.of(A), graph.reachable());
  }

  @Test
  void gcRoot_keeps() {
    graph.labels(S1, Map.of("containerd.io/gc.root", "2024-01-01T00:00:00Z"));
    assertEquals(Set.of(S1), graph.reachable());
  }

  @Test
  void backReference_livesAsLongAsItsKeeper() {
    graph.labels(B, Map.of("containerd.io/gc.bref.container", "c"));
    graph.labels(A, Map.of("containerd.io/gc.bref.snapshot.overlayfs", "two"));
    graph.root(CONTAINER);
    assertEquals(Set.of(CONTAINER, B), graph.reachable());
  }

  @Test
  void flatRoot_keepsParentsAndTargetsButNoLabels() {
    graph.flatRoot(S1);
    graph.owns(S1, S2);
    graph.labels(S1, Map.of("containerd.io/gc.ref.content", "sha256:a"));
    graph.flatRoot(IMAGE);
    graph.owns(IMAGE, B);
    graph.labels(B, Map.of("containerd.io/gc.ref.content.config", "sha256:a"));
    assertEquals(Set.of(S1, S2, IMAGE, B), graph.reachable());
  }

  @Test
  void circles_end() {
    graph.root(A);
    graph.labels(A, Map.of("containerd.io/gc.ref.content", "sha256:b"));
    graph.labels(B, Map.of("containerd.io/gc.ref.content", "sha256:a"));
    assertEquals(Set.of(A, B), graph.reachable());
  }
}
