package io.berth.image.gc;

import io.berth.base.id.Digest;
import io.berth.base.id.Identifier;
import io.berth.image.content.ContentStore;
import io.berth.image.content.IngestRow;
import io.berth.image.content.IngestStore;
import io.berth.image.lease.Lease;
import io.berth.image.lease.Leases;
import io.berth.image.meta.Metadata;
import io.berth.image.meta.Query;
import io.berth.image.meta.Row;
import io.berth.image.meta.Transaction;
import io.berth.image.name.ImageNames;
import io.berth.image.snapshot.Snapshots;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Deletes garbage, one collection at a time. Garbage is found first by reading alone, which holds
 * nobody up; only if there is any is it found again and deleted in one change.
 */
@Singleton
public final class Collector {
  private final Metadata metadata;
  private final Leases leases;
  private final ContentStore content;
  private final IngestStore ingests;
  private final Snapshots snapshots;
  private final ContainerRoots containers;

  @Inject
  public Collector(
      Metadata metadata,
      Leases leases,
      ContentStore content,
      IngestStore ingests,
      Snapshots snapshots,
      ContainerRoots containers) {
    this.metadata = metadata;
    this.leases = leases;
    this.content = content;
    this.ingests = ingests;
    this.snapshots = snapshots;
    this.containers = containers;
  }

  /** The numbers of what a collection deleted. */
  public record Result(int content, int snapshots, int images, int leases, int ingests) {
    /** The result of a collection that deleted nothing. */
    public static final Result NOTHING = new Result(0, 0, 0, 0, 0);

    /** The sum of all numbers. */
    public int total() {
      return content + snapshots + images + leases + ingests;
    }
  }

  /** What was known to be kept before the records themselves are read. */
  private record Outside(
      Instant began,
      Set<Leases.Kept> leased,
      List<ContainerRoots.Root> containers,
      Leases.Watch watch) {}

  /** Collects garbage; the package says in which order the roots are read. */
  public synchronized Result collect() {
    // Before all else, for it needs neither an answer nor room on the disk.
    content.sweepUnrecorded();
    try (Leases.Watch watch = leases.watch()) {
      Instant began = metadata.now();
      Set<Leases.Kept> leased =
          new HashSet<>(metadata.read(query -> Leases.keptByAll(query, metadata.clockTime())));
      Set<String> namespaces = metadata.read(Collector::namespaces);
      // The warm-up namespace is left alone: its containers are listed to nobody, and the program
      // that warms up there removes what it made.
      namespaces.remove(Identifier.WARM_UP_NAMESPACE);
      Outside outside = new Outside(began, leased, containers.containers(namespaces), watch);
      if (metadata.read(query -> garbage(query, outside)).isEmpty()) {
        return Result.NOTHING;
      }
      return metadata.durable(transaction -> sweep(transaction, garbage(transaction, outside)));
    }
  }

  /** All namespaces that anything is recorded in. */
  private static Set<String> namespaces(Query query) throws SQLException {
    return new HashSet<>(
        query.all(
            "SELECT namespace FROM content UNION SELECT namespace FROM snapshot UNION SELECT"
                + " namespace FROM image UNION SELECT namespace FROM lease",
            row -> row.text(1)));
  }

  /**
   * Everything that can be deleted.
   *
   * @param snapshots by their depth in the stack, the deepest last
   * @param expired leases
   */
  private record Garbage(
      List<Node> content,
      List<Node> snapshots,
      List<Node> images,
      List<IngestRow> ingests,
      List<Node> expired) {
    boolean isEmpty() {
      return content.isEmpty()
          && snapshots.isEmpty()
          && images.isEmpty()
          && ingests.isEmpty()
          && expired.isEmpty();
    }
  }

  private Garbage garbage(Query query, Outside outside) throws SQLException {
    ReferenceGraph graph = new ReferenceGraph();
    Instant now = metadata.clockTime();
    List<Node> images = images(query, graph, outside.began, now);
    List<Node> stored = content(query, graph, outside.began);
    Map<Node, Node> parents = snapshots(query, graph, outside.began);
    Map<Node, IngestRow> ingests = ingests(query, graph, now);
    List<Node> expired = new ArrayList<>();
    for (Node lease :
        query.all("SELECT namespace, id, labels FROM lease", row -> expiredLease(row, now))) {
      if (!lease.id().isEmpty()) {
        expired.add(lease);
      }
    }
    keep(graph, outside.leased);
    keep(graph, Leases.keptByAll(query, now));
    keep(graph, outside.watch.lost());
    for (ContainerRoots.Root container : outside.containers) {
      Node node = Node.container(container.namespace(), container.id());
      graph.root(node);
      graph.labels(node, container.labels());
      graph.owns(
          node,
          Node.snapshot(container.namespace(), container.snapshotter(), container.snapshotKey()));
    }
    Set<Node> kept = graph.reachable();
    return new Garbage(
        without(stored, kept),
        deepestLast(without(parents.keySet(), kept), parents),
        without(images, kept),
        without(ingests.keySet(), kept).stream().map(ingests::get).toList(),
        expired);
  }

  private static Node expiredLease(Row row, Instant now) throws SQLException {
    return new Node(
        row.text(1), "lease", Leases.isOver(row.text(2), row.labels(3), now) ? row.text(2) : "");
  }

  private static List<Node> without(Collection<Node> all, Set<Node> kept) {
    return all.stream()
        .filter(node -> !kept.contains(node))
        .filter(node -> !node.namespace().equals(Identifier.WARM_UP_NAMESPACE))
        .toList();
  }

  private static List<Node> images(Query query, ReferenceGraph graph, Instant began, Instant now)
      throws SQLException {
    return query.all(
        "SELECT namespace, name, digest, labels, updated FROM image",
        row -> {
          Node node = Node.image(row.text(1), row.text(2));
          Map<String, String> labels = row.labels(4);
          if (!Lease.isExpired(labels, now) || !row.time(5).isBefore(began)) {
            graph.root(node);
          }
          graph.owns(node, Node.content(row.text(1), row.text(3)));
          graph.labels(node, labels);
          return node;
        });
  }

  private static List<Node> content(Query query, ReferenceGraph graph, Instant began)
      throws SQLException {
    return query.all(
        "SELECT namespace, digest, labels, created FROM content",
        row -> {
          Node node = Node.content(row.text(1), row.text(2));
          if (!row.time(4).isBefore(began)) {
            graph.root(node);
          }
          graph.labels(node, row.labels(3));
          return node;
        });
  }

  /** All snapshots with their parents; a snapshot without one has itself as its parent. */
  private static Map<Node, Node> snapshots(Query query, ReferenceGraph graph, Instant began)
      throws SQLException {
    Map<Node, Node> parents = new LinkedHashMap<>();
    query.all(
        "SELECT namespace, snapshotter, key, parent, labels, created FROM snapshot",
        row -> {
          Node node = Node.snapshot(row.text(1), row.text(2), row.text(3));
          Node parent =
              row.text(4).isEmpty() ? node : Node.snapshot(row.text(1), row.text(2), row.text(4));
          parents.put(node, parent);
          graph.owns(node, parent);
          if (!row.time(6).isBefore(began)) {
            graph.root(node);
          }
          graph.labels(node, row.labels(5));
          return node;
        });
    return parents;
  }

  private Map<Node, IngestRow> ingests(Query query, ReferenceGraph graph, Instant now)
      throws SQLException {
    Map<Node, IngestRow> result = new LinkedHashMap<>();
    for (IngestRow ingest : query.all(IngestRow.SELECT, IngestRow::read)) {
      Node node = Node.ingest(ingest.namespace(), ingest.ref());
      result.put(node, ingest);
      if (ingest.expires().isAfter(now) || ingests.isLocked(ingest.namespace(), ingest.ref())) {
        graph.root(node);
      }
      if (!ingest.expected().isEmpty()) {
        graph.owns(node, Node.content(ingest.namespace(), ingest.expected()));
      }
    }
    return result;
  }

  private static void keep(ReferenceGraph graph, Collection<Leases.Kept> all) {
    for (Leases.Kept kept : all) {
      String type = kept.resource().type();
      String id = kept.resource().id();
      Node node =
          switch (type) {
            case "content" -> Node.content(kept.namespace(), id);
            case "ingests" -> Node.ingest(kept.namespace(), id);
            case "images" -> Node.image(kept.namespace(), id);
            default -> Node.snapshot(kept.namespace(), type.substring(type.indexOf('/') + 1), id);
          };
      if (kept.flat()) {
        graph.flatRoot(node);
      } else {
        graph.root(node);
      }
    }
  }

  private static List<Node> deepestLast(List<Node> nodes, Map<Node, Node> parents) {
    Map<Node, Integer> depths = new HashMap<>();
    for (Node node : nodes) {
      int depth = 0;
      Node at = node;
      for (Node parent = parents.get(at);
          parent != null && !parent.equals(at);
          parent = parents.get(at)) {
        depth++;
        at = parent;
      }
      depths.put(node, depth);
    }
    return nodes.stream().sorted(Comparator.comparing(depths::get)).toList();
  }

  private Result sweep(Transaction transaction, Garbage garbage) throws SQLException {
    for (Node lease : garbage.expired) {
      leases.drop(transaction, lease.namespace(), lease.id());
    }
    for (Node image : garbage.images) {
      ImageNames.remove(transaction, image.namespace(), image.id());
    }
    for (Node snapshot : garbage.snapshots.reversed()) {
      snapshots.remove(
          transaction,
          new Snapshots.Key(snapshot.namespace(), snapshot.snapshotter(), snapshot.id()));
    }
    for (Node blob : garbage.content) {
      content.remove(transaction, blob.namespace(), Digest.of(blob.id()));
    }
    for (IngestRow ingest : garbage.ingests) {
      ingests.remove(transaction, ingest);
    }
    return new Result(
        garbage.content.size(),
        garbage.snapshots.size(),
        garbage.images.size(),
        garbage.expired.size(),
        garbage.ingests.size());
  }
}
