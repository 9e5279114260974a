package io.berth.image.name;

import io.berth.base.error.BerthException;
import io.berth.base.error.Obstacle;
import io.berth.base.filter.Filter;
import io.berth.base.id.Labels;
import io.berth.image.event.StoreEvent;
import io.berth.image.lease.Lease;
import io.berth.image.lease.Leases;
import io.berth.image.meta.Metadata;
import io.berth.image.meta.Query;
import io.berth.image.meta.Row;
import io.berth.image.meta.Transaction;
import io.berth.oci.image.Descriptor;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.sql.SQLException;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The image names of all namespaces. Thread-safe. Names are free text here; the grammar is the
 * callers'.
 */
@Singleton
public final class ImageNames {
  private static final String COLUMNS =
      "name, labels, media_type, digest, size, annotations, created, updated";

  private final Metadata metadata;

  @Inject
  public ImageNames(Metadata metadata) {
    this.metadata = metadata;
  }

  /** An image name that is to be recorded. */
  public record Draft(String name, Map<String, String> labels, Descriptor target) {}

  /** The record of a name; NOT_FOUND without one. */
  public NamedImage get(String namespace, String name) {
    NamedImage image = find(namespace, name);
    if (image == null) {
      throw missing(name);
    }
    return image;
  }

  /** The record of a name; null without one. */
  public @Nullable NamedImage find(String namespace, String name) {
    return metadata.read(query -> find(query, namespace, name));
  }

  private static @Nullable NamedImage find(Query query, String namespace, String name)
      throws SQLException {
    return query.first(
        "SELECT " + COLUMNS + " FROM image WHERE namespace = ? AND name = ?",
        ImageNames::read,
        namespace,
        name);
  }

  static NamedImage read(Row row) throws SQLException {
    Descriptor target =
        new Descriptor(
            row.text(3), row.text(4), row.number(5), null, row.labels(6), null, List.of());
    return new NamedImage(row.text(1), row.labels(2), target, row.time(7), row.time(8));
  }

  /** The records of a namespace that pass the filter, ordered by name. */
  public List<NamedImage> list(String namespace, Filter filter) {
    return metadata
        .read(query ->
            query.all(
                "SELECT " + COLUMNS + " FROM image WHERE namespace = ? ORDER BY name",
                ImageNames::read,
                namespace))
        .stream()
        .filter(filter::matches)
        .toList();
  }

  /**
   * Records a new name.
   *
   * @param at its times, null for now
   * @throws BerthException ALREADY_EXISTS
   */
  public NamedImage create(
      String namespace, Draft draft, @Nullable Instant at, @Nullable String lease) {
    check(draft);
    return metadata.durable(transaction -> {
      if (find(transaction, namespace, draft.name) != null) {
        throw new BerthException.AlreadyExists("image \"" + draft.name + "\"")
            .with(Obstacle.of(Obstacle.Reason.NAME_TAKEN, Obstacle.Kind.IMAGE, draft.name));
      }
      return insert(transaction, namespace, draft, at, lease, Metadata.Durability.DURABLE);
    });
  }

  /**
   * Records a name, whatever it pointed at before. A durable one stays durable, if all content is,
   * also when it is put lazily: {@link #isDurable} tells who has to make content durable before.
   */
  public NamedImage put(
      String namespace, Draft draft, @Nullable String lease, Metadata.Durability durability) {
    check(draft);
    return metadata.write(
        durability,
        transaction -> {
          NamedImage old = find(transaction, namespace, draft.name);
          return old == null
              ? insert(transaction, namespace, draft, null, lease, durability)
              : replace(
                  transaction,
                  namespace,
                  old,
                  draft,
                  null,
                  isDurable(transaction, namespace, draft.name) && isContentDurable(transaction)
                      ? Metadata.Durability.DURABLE
                      : durability);
        });
  }

  /** Whether the name is there and survives a power cut. */
  public boolean isDurable(String namespace, String name) {
    return metadata.read(query -> isDurable(query, namespace, name));
  }

  private static boolean isDurable(Query query, String namespace, String name) throws SQLException {
    return query.exists(
        "SELECT 1 FROM image WHERE namespace = ? AND name = ? AND boot IS NULL", namespace, name);
  }

  private static boolean isContentDurable(Query query) throws SQLException {
    return !query.exists("SELECT 1 FROM content WHERE boot IS NOT NULL");
  }

  private static NamedImage insert(
      Transaction transaction,
      String namespace,
      Draft draft,
      @Nullable Instant at,
      @Nullable String lease,
      Metadata.Durability durability)
      throws SQLException {
    Instant time = at == null ? transaction.now() : at;
    Map<String, String> labels = Labels.stored(draft.labels);
    write(
        transaction,
        namespace,
        new NamedImage(draft.name, labels, draft.target, time, time),
        durability);
    if (lease != null && labels.containsKey(Lease.EXPIRE)) {
      Leases.add(transaction, namespace, lease, Lease.Resource.image(draft.name));
    }
    transaction.emit(namespace, new StoreEvent.ImageCreated(draft.name, labels));
    return new NamedImage(draft.name, labels, draft.target, time, time);
  }

  private static NamedImage replace(
      Transaction transaction,
      String namespace,
      NamedImage old,
      Draft draft,
      @Nullable Instant at,
      Metadata.Durability durability)
      throws SQLException {
    NamedImage image =
        new NamedImage(
            old.name(),
            Labels.stored(draft.labels),
            draft.target,
            old.created(),
            at == null ? transaction.now() : at);
    write(transaction, namespace, image, durability);
    transaction.emit(namespace, new StoreEvent.ImageUpdated(image.name(), image.labels()));
    return image;
  }

  private static void write(
      Transaction transaction, String namespace, NamedImage image, Metadata.Durability durability)
      throws SQLException {
    transaction.runOnNames(
        "INSERT OR REPLACE INTO image (namespace, name, labels, media_type, digest, size,"
            + " annotations, created, updated, boot) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        namespace,
        image.name(),
        Transaction.text(image.labels()),
        image.target().mediaType(),
        image.target().digest(),
        image.target().size(),
        Transaction.text(image.target().annotations()),
        Row.nanos(image.created()),
        Row.nanos(image.updated()),
        durability == Metadata.Durability.DURABLE ? null : transaction.boot());
  }

  /**
   * Changes an image.
   *
   * @param mask {@code labels}, {@code labels.KEY}, {@code target}, {@code annotations}, {@code
   *     annotations.KEY}; empty: all
   */
  public NamedImage update(String namespace, Draft draft, List<String> mask, @Nullable Instant at) {
    if (draft.name.isEmpty()) {
      throw new BerthException.InvalidArgument("image name is required for update");
    }
    return metadata.durable(transaction -> {
      NamedImage old = find(transaction, namespace, draft.name);
      if (old == null) {
        throw missing(draft.name);
      }
      Draft merged = mask.isEmpty() ? draft : merge(old, draft, mask);
      check(merged);
      // A name that was just fetched is lost with its content; its labels do not outlive it.
      Metadata.Durability durability =
          isDurable(transaction, namespace, draft.name) || isContentDurable(transaction)
              ? Metadata.Durability.DURABLE
              : Metadata.Durability.LAZY;
      return replace(transaction, namespace, old, merged, at, durability);
    });
  }

  private static Draft merge(NamedImage old, Draft draft, List<String> mask) {
    Map<String, String> labels = Labels.updated(old.labels(), draft.labels, mask);
    Descriptor target = old.target();
    Map<String, String> annotations = new HashMap<>(target.annotations());
    for (String path : mask) {
      if (path.equals("target")) {
        target = draft.target;
        annotations = new HashMap<>(target.annotations());
      } else if (path.equals("annotations")) {
        annotations = new HashMap<>(draft.target.annotations());
      } else if (path.startsWith("annotations.")) {
        String key = path.substring("annotations.".length());
        String value = draft.target.annotations().get(key);
        if (value == null || value.isEmpty()) {
          annotations.remove(key);
        } else {
          annotations.put(key, value);
        }
      } else if (!path.equals("labels") && !path.startsWith("labels.")) {
        throw new BerthException.InvalidArgument(
            "cannot update \"" + path + "\" field on image \"" + draft.name + "\"");
      }
    }
    return new Draft(old.name(), labels, target.annotated(annotations));
  }

  /**
   * Drops a name.
   *
   * @param target digest that it must have, or null
   * @throws BerthException NOT_FOUND, also when it points elsewhere
   */
  public void delete(
      String namespace, String name, @Nullable String target, @Nullable String lease) {
    metadata.durable(transaction -> {
      NamedImage old = find(transaction, namespace, name);
      if (old == null) {
        throw missing(name);
      }
      if (target != null && !target.isEmpty() && !target.equals(old.target().digest())) {
        throw new BerthException.NotFound(
            "image \"" + name + "\" has a target other than " + target);
      }
      remove(transaction, namespace, name);
      Leases.remove(transaction, namespace, lease, Lease.Resource.image(name));
      return true;
    });
  }

  /** Drops a name as part of a change. */
  public static void remove(Transaction transaction, String namespace, String name)
      throws SQLException {
    transaction.runOnNames("DELETE FROM image WHERE namespace = ? AND name = ?", namespace, name);
    transaction.emit(namespace, new StoreEvent.ImageDeleted(name));
  }

  private static void check(Draft draft) {
    if (draft.name.isEmpty()) {
      throw new BerthException.InvalidArgument("image name must not be empty");
    }
    if (draft.target.size() <= 0) {
      throw new BerthException.InvalidArgument("Target.Size must be greater than zero");
    }
    if (draft.target.mediaType().isEmpty()) {
      throw new BerthException.InvalidArgument("Target.MediaType must be set");
    }
    Labels.check(draft.labels);
  }

  private static BerthException missing(String name) {
    return new BerthException.NotFound("image \"" + name + "\"");
  }
}
