package io.berth.image.lease;

import io.berth.base.error.BerthException;
import io.berth.base.error.Obstacle;
import io.berth.base.filter.Filter;
import io.berth.base.id.Digest;
import io.berth.image.meta.Metadata;
import io.berth.image.meta.Query;
import io.berth.image.meta.Row;
import io.berth.image.meta.Transaction;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.security.SecureRandom;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;

/**
 * The leases of all namespaces. Thread-safe.
 *
 * <p>A collector reads leases before it asks for containers. Between the two a client may make its
 * container and drop its lease; so what leases lose while somebody {@linkplain #watch watches} is
 * told to the watcher, who counts it as kept.
 */
@Singleton
public final class Leases {
  private final Metadata metadata;
  private final SecureRandom random = new SecureRandom();
  private final Set<Watch> watches = ConcurrentHashMap.newKeySet();

  @Inject
  public Leases(Metadata metadata) {
    this.metadata = metadata;
  }

  /** A resource of a namespace that a lease keeps. */
  public record Kept(String namespace, Lease.Resource resource, boolean flat) {}

  /** Collects what leases lose from its making until it is closed. */
  public final class Watch implements AutoCloseable {
    private final Set<Kept> lost = ConcurrentHashMap.newKeySet();

    /** What was lost so far. */
    public Set<Kept> lost() {
      return Set.copyOf(lost);
    }

    @Override
    public void close() {
      watches.remove(this);
    }
  }

  /** Begins to collect what leases lose. */
  public Watch watch() {
    Watch watch = new Watch();
    watches.add(watch);
    return watch;
  }

  /**
   * Makes a lease; an empty id is replaced by one that is made up. ALREADY_EXISTS if the id is
   * taken.
   */
  public Lease create(String namespace, String id, Map<String, String> labels) {
    return metadata.write(
        durability(labels),
        transaction -> create(transaction, namespace, id.isEmpty() ? generated() : id, labels));
  }

  // A lease that expires covers a client at work, and no client outlives a power cut. If the record
  // of such a lease is lost, or that of its end, nothing but time is lost: what it held is
  // collected when it would have expired.
  private static Metadata.Durability durability(Map<String, String> labels) {
    return labels.containsKey(Lease.EXPIRE)
        ? Metadata.Durability.LAZY
        : Metadata.Durability.DURABLE;
  }

  /** Makes a lease as part of a change. */
  public static Lease create(
      Transaction transaction, String namespace, String id, Map<String, String> labels)
      throws SQLException {
    if (exists(transaction, namespace, id)) {
      throw new BerthException.AlreadyExists("lease \"" + id + "\"")
          .with(Obstacle.of(Obstacle.Reason.NAME_TAKEN, Obstacle.Kind.LEASE, id));
    }
    Map<String, String> stored = new TreeMap<>(labels);
    stored.values().removeIf(String::isEmpty);
    transaction.run(
        "INSERT INTO lease (namespace, id, created, labels) VALUES (?, ?, ?, ?)",
        namespace,
        id,
        Row.nanos(transaction.now()),
        Transaction.text(stored));
    return new Lease(id, transaction.now(), stored);
  }

  private String generated() {
    byte[] bytes = new byte[3];
    random.nextBytes(bytes);
    return Row.nanos(metadata.now()) % 1_000_000_000
        + "-"
        + Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  /** Deletes a lease; NOT_FOUND if there is none. */
  public void delete(String namespace, String id) {
    Lease lease = metadata.read(query -> find(query, namespace, id));
    Map<String, String> labels = lease == null ? Map.of() : lease.labels();
    metadata.write(
        durability(labels),
        transaction -> {
          if (!drop(transaction, namespace, id)) {
            throw new BerthException.NotFound("lease \"" + id + "\"");
          }
          return true;
        });
  }

  /** Deletes a lease as part of a change; answers whether it was there. */
  public boolean drop(Transaction transaction, String namespace, String id) throws SQLException {
    if (!watches.isEmpty()) {
      for (Kept kept : kept(transaction, namespace, id)) {
        watches.forEach(watch -> watch.lost.add(kept));
      }
    }
    transaction.run("DELETE FROM lease_resource WHERE namespace = ? AND lease = ?", namespace, id);
    return transaction.run("DELETE FROM lease WHERE namespace = ? AND id = ?", namespace, id) > 0;
  }

  private static @Nullable Lease find(Query query, String namespace, String id)
      throws SQLException {
    return query.first(
        "SELECT id, created, labels FROM lease WHERE namespace = ? AND id = ?",
        Leases::read,
        namespace,
        id);
  }

  private static List<Kept> kept(Query query, String namespace, String id) throws SQLException {
    Lease lease = find(query, namespace, id);
    if (lease == null) {
      return List.of();
    }
    boolean flat = lease.labels().containsKey(Lease.FLAT);
    return resources(query, namespace, id).stream()
        .map(resource -> new Kept(namespace, resource, flat))
        .toList();
  }

  /** The leases of a namespace that pass the filter. */
  public List<Lease> list(String namespace, Filter filter) {
    return metadata
        .read(query ->
            query.all(
                "SELECT id, created, labels FROM lease WHERE namespace = ? ORDER BY id",
                Leases::read,
                namespace))
        .stream()
        .filter(filter::matches)
        .toList();
  }

  /** Drops the leases of all namespaces that are around work which does not run any more. */
  public void dropAbandoned() {
    dropAll(WorkLease::isAbandoned);
  }

  /** Drops the leases of all namespaces of which this is true, asked with their ids and labels. */
  public void dropAll(BiPredicate<String, Map<String, String>> unwanted) {
    record Named(String namespace, String id) {}
    metadata.lazy(transaction -> {
      List<Named> meant = new ArrayList<>();
      transaction.all(
          "SELECT namespace, id, labels FROM lease",
          row ->
              unwanted.test(row.text(2), row.labels(3))
                  && meant.add(new Named(row.text(1), row.text(2))));
      for (Named lease : meant) {
        drop(transaction, lease.namespace, lease.id);
      }
      return true;
    });
  }

  /** Whether a lease keeps nothing any more: its time is over, or its work has died. */
  public static boolean isOver(String id, Map<String, String> labels, Instant now) {
    return Lease.isExpired(labels, now) || WorkLease.isOver(id, labels);
  }

  /** Everything that is kept by leases that are not over. */
  public static List<Kept> keptByAll(Query query, Instant now) throws SQLException {
    record Named(String namespace, Lease lease) {}
    List<Kept> result = new ArrayList<>();
    List<Named> all =
        query.all(
            "SELECT id, created, labels, namespace FROM lease",
            row -> new Named(row.text(4), read(row)));
    for (Named named : all) {
      if (!isOver(named.lease.id(), named.lease.labels(), now)) {
        boolean flat = named.lease.labels().containsKey(Lease.FLAT);
        for (Lease.Resource resource : resources(query, named.namespace, named.lease.id())) {
          result.add(new Kept(named.namespace, resource, flat));
        }
      }
    }
    return result;
  }

  /** Adds a resource to a lease. The lease must exist, the resource need not. */
  public void addResource(String namespace, String id, Lease.Resource resource) {
    check(resource);
    metadata.durable(transaction -> {
      if (!exists(transaction, namespace, id)) {
        throw new BerthException.NotFound("lease \"" + id + "\"");
      }
      add(transaction, namespace, id, resource);
      return true;
    });
  }

  /**
   * Takes a resource out of a lease. The lease must exist; it is no error if it does not hold the
   * resource.
   */
  public void deleteResource(String namespace, String id, Lease.Resource resource) {
    check(resource);
    metadata.durable(transaction -> {
      if (!exists(transaction, namespace, id)) {
        throw new BerthException.NotFound("lease \"" + id + "\"");
      }
      for (Watch watch : watches) {
        watch.lost.add(new Kept(namespace, resource, false));
      }
      remove(transaction, namespace, id, resource);
      return true;
    });
  }

  /** The resources of a lease; NOT_FOUND if there is no such lease. */
  public List<Lease.Resource> resources(String namespace, String id) {
    return metadata.read(query -> {
      if (!exists(query, namespace, id)) {
        throw new BerthException.NotFound("lease \"" + id + "\"");
      }
      return resources(query, namespace, id);
    });
  }

  private static List<Lease.Resource> resources(Query query, String namespace, String id)
      throws SQLException {
    return query.all(
        "SELECT type, id FROM lease_resource WHERE namespace = ? AND lease = ? ORDER BY type, id",
        row -> new Lease.Resource(row.text(1), row.text(2)),
        namespace,
        id);
  }

  private static boolean exists(Query query, String namespace, String id) throws SQLException {
    return query.exists("SELECT 1 FROM lease WHERE namespace = ? AND id = ?", namespace, id);
  }

  /**
   * Gives what a call made to the call's lease, if it has one. NOT_FOUND when that does not exist.
   */
  public static void add(
      Transaction transaction, String namespace, @Nullable String lease, Lease.Resource resource)
      throws SQLException {
    if (lease == null) {
      return;
    }
    if (!exists(transaction, namespace, lease)) {
      throw new BerthException.NotFound("lease does not exist");
    }
    transaction.run(
        "INSERT OR IGNORE INTO lease_resource (namespace, lease, type, id) VALUES (?, ?, ?, ?)",
        namespace,
        lease,
        resource.type(),
        resource.id());
  }

  /** Takes a resource that is gone out of the call's lease. */
  public static void remove(
      Transaction transaction, String namespace, @Nullable String lease, Lease.Resource resource)
      throws SQLException {
    if (lease != null) {
      transaction.run(
          "DELETE FROM lease_resource WHERE namespace = ? AND lease = ? AND type = ? AND id = ?",
          namespace,
          lease,
          resource.type(),
          resource.id());
    }
  }

  private static void check(Lease.Resource resource) {
    String type = resource.type();
    if (resource.id().isEmpty() || type.isEmpty()) {
      throw new BerthException.InvalidArgument("resource needs a type and an id");
    }
    switch (type) {
      case "content" -> Digest.of(resource.id());
      case "ingests", "images" -> {}
      default -> {
        String[] parts = type.split("/", -1);
        if (!parts[0].equals("snapshots")) {
          throw parts.length == 1
              ? new BerthException.NotImplemented("resource type \"" + type + "\" is unknown")
              : new BerthException.InvalidArgument("resource type \"" + type + "\" is malformed");
        }
        if (parts.length != 2 || parts[1].isEmpty()) {
          throw new BerthException.InvalidArgument(
              "resource type \"" + type + "\" is malformed; expected snapshots/SNAPSHOTTER");
        }
      }
    }
  }

  private static Lease read(Row row) throws SQLException {
    return new Lease(row.text(1), row.time(2), row.labels(3));
  }
}
