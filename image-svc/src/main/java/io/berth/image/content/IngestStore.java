package io.berth.image.content;

import io.berth.base.error.BerthException;
import io.berth.base.filter.Filter;
import io.berth.base.id.Digest;
import io.berth.image.disk.ImagePaths;
import io.berth.image.disk.TrashBin;
import io.berth.image.lease.Lease;
import io.berth.image.lease.Leases;
import io.berth.image.meta.Metadata;
import io.berth.image.meta.Row;
import io.berth.image.meta.Transaction;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Content on its way in, of all namespaces: opens ingests, and locks each against a second writer.
 * Thread-safe. Calls do file I/O; those that commit durably wait for the disk.
 */
@Singleton
public final class IngestStore {
  private static final Logger LOG = System.getLogger(IngestStore.class.getName());

  /** How long the collector spares an ingest that no lease keeps. */
  private static final Duration UNLEASED_LIFE = Duration.ofHours(24);

  private final ImagePaths paths;
  private final Metadata metadata;
  private final TrashBin trash;
  private final ContentStore content;

  private final IngestLocks locks = new IngestLocks();
  private final AtomicLong lastId = new AtomicLong();

  @Inject
  public IngestStore(ImagePaths paths, Metadata metadata, TrashBin trash, ContentStore content) {
    this.paths = paths;
    this.metadata = metadata;
    this.trash = trash;
    this.content = content;
  }

  /** Takes folders away that have no record. To be called before the first ingest is opened. */
  public void start() throws IOException {
    Set<String> ids =
        new HashSet<>(
            metadata.read(query -> query.all("SELECT id FROM ingest", row -> row.text(1))));
    trash.takeUnless(paths.ingests(), ids::contains);
    lastId.set(ids.stream().mapToLong(Long::parseLong).max().orElse(0));
  }

  /**
   * Opens an ingest and holds its lock until it is closed. If another holds it, this waits for half
   * a second.
   *
   * @throws BerthException UNAVAILABLE if another holds it for longer; ALREADY_EXISTS when the
   *     content that is expected is there; RESOURCE_EXHAUSTED when the disk is full
   */
  public Ingest open(Ingest.Request request) {
    if (request.ref().isEmpty()) {
      throw new BerthException.InvalidArgument("ingest needs a reference");
    }
    if (request.total() < 0) {
      throw new BerthException.InvalidArgument(
          "ingest \"" + request.ref() + "\": total " + request.total() + " is negative");
    }
    Digest expected = request.expected();
    if (expected != null && content.lease(request.namespace(), request.lease(), expected)) {
      throw new BerthException.AlreadyExists("content " + expected);
    }
    locks.take(request.namespace(), request.ref(), metadata.now());
    boolean opened = false;
    try {
      Ingest ingest = openLocked(request);
      locks.holds(request.namespace(), request.ref(), ingest);
      opened = true;
      return ingest;
    } catch (IOException e) {
      throw new BerthException.Internal(
          "open ingest \"" + request.ref() + "\": " + e.getMessage(), e);
    } finally {
      if (!opened) {
        unlock(request.namespace(), request.ref());
      }
    }
  }

  private Ingest openLocked(Ingest.Request request) throws IOException {
    IngestRow old = find(request.namespace(), request.ref());
    Digest expected = request.expected();
    if (old == null && expected != null) {
      long size = content.sizeInAny(expected);
      if (size >= 0 && (request.total() == 0 || request.total() == size)) {
        Instant now = metadata.now();
        IngestRow unrecorded =
            new IngestRow(
                request.namespace(), request.ref(), -1, now, size, expected.toString(), now);
        return new Ingest(this, content, request, unrecorded, null, expected);
      }
    }
    boolean restart =
        old != null && old.total() > 0 && request.total() > 0 && old.total() != request.total();
    IngestRow row = record(request, old);
    IngestFile file = open(row, request, old == null);
    boolean opened = false;
    try {
      Ingest ingest = new Ingest(this, content, request, row, file, null);
      if (restart) {
        ingest.truncate(0);
      } else {
        ingest.resume(file);
      }
      opened = true;
      return ingest;
    } finally {
      if (!opened) {
        file.close();
      }
    }
  }

  private IngestFile open(IngestRow row, Ingest.Request request, boolean isNew) {
    try {
      return IngestFile.open(paths, row.id(), request.ref());
    } catch (BerthException e) {
      if (isNew) {
        // There is not a byte of it that anybody could go on with.
        try {
          forget(row, request.lease());
        } catch (BerthException alsoRefused) {
          e.addSuppressed(alsoRefused);
        }
      }
      throw e;
    }
  }

  /** Records an ingest with bytes of its own. */
  IngestRow record(Ingest.Request request, @Nullable IngestRow old) {
    return metadata.lazy(transaction -> record(transaction, request, old));
  }

  private IngestRow record(Transaction transaction, Ingest.Request request, @Nullable IngestRow old)
      throws SQLException {
    long total = request.total() > 0 || old == null ? request.total() : old.total();
    Digest expected = request.expected();
    IngestRow row =
        new IngestRow(
            request.namespace(),
            request.ref(),
            old == null ? lastId.incrementAndGet() : old.id(),
            old == null ? transaction.now() : old.started(),
            total,
            expected != null ? expected.toString() : old == null ? "" : old.expected(),
            request.lease() == null ? metadata.clockTime().plus(UNLEASED_LIFE) : Instant.EPOCH);
    transaction.run(
        "INSERT OR REPLACE INTO ingest (namespace, ref, id, started, total, expected, expires)"
            + " VALUES (?, ?, ?, ?, ?, ?, ?)",
        row.namespace(),
        row.ref(),
        row.id(),
        Row.nanos(row.started()),
        row.total(),
        row.expected(),
        Row.nanos(row.expires()));
    Leases.add(
        transaction, request.namespace(), request.lease(), Lease.Resource.ingest(request.ref()));
    return row;
  }

  /**
   * Stores a small document; it is no error if it is there already, its labels are added then.
   *
   * @param labels as clients write them
   * @return the digest
   */
  public Digest put(
      Ingest.Request request,
      byte[] bytes,
      Map<String, String> labels,
      Metadata.Durability durability) {
    return put(request, Digest.sha256(bytes), bytes, labels, durability);
  }

  /** As the other; for a document that is named by a digest of any algorithm, which fits. */
  public Digest put(
      Ingest.Request named,
      Digest digest,
      byte[] bytes,
      Map<String, String> labels,
      Metadata.Durability durability) {
    Ingest.Request request =
        new Ingest.Request(
            named.namespace(), named.lease(), named.ref(), bytes.length, digest, named.watched());
    if (content.lease(request.namespace(), request.lease(), digest)) {
      if (!labels.isEmpty()) {
        content.update(
            request.namespace(),
            digest,
            labels,
            labels.keySet().stream().map(key -> "labels." + key).toList());
      }
      return digest;
    }
    try (Ingest ingest = open(request)) {
      ingest.truncate(0);
      ingest.write(MemorySegment.ofArray(bytes));
      ingest.commit(bytes.length, digest, labels, durability);
    } catch (BerthException.AlreadyExists e) {
      LOG.log(Level.DEBUG, "{0} came in twice", digest);
    }
    return digest;
  }

  /**
   * How far an ingest is.
   *
   * @throws BerthException NOT_FOUND for an unknown one
   */
  public IngestStatus status(String namespace, String ref) {
    return status(get(namespace, ref));
  }

  /** How far the ingests of a namespace are that pass the filter, ordered by ref. */
  public List<IngestStatus> statuses(String namespace, Filter filter) {
    return metadata
        .read(query ->
            query.all(
                IngestRow.SELECT + " WHERE namespace = ? ORDER BY ref", IngestRow::read, namespace))
        .stream()
        .map(this::status)
        .filter(filter::matches)
        .toList();
  }

  private IngestStatus status(IngestRow row) {
    Ingest open = locks.holder(row.namespace(), row.ref());
    if (open != null) {
      // The writer's clock counts: the kernel's, which is in the file, lags behind it by up to a
      // tick.
      return new IngestStatus(row.ref(), open.offset(), row.total(), row.started(), open.updated());
    }
    Path data = IngestFile.in(paths.ingest(row.id()));
    try {
      return new IngestStatus(
          row.ref(),
          Files.size(data),
          row.total(),
          row.started(),
          Files.getLastModifiedTime(data).toInstant());
    } catch (IOException e) {
      return new IngestStatus(row.ref(), 0, row.total(), row.started(), row.started());
    }
  }

  /**
   * Gives an ingest up. Whoever writes it just now keeps its lock until it is closed, and can
   * commit it no more.
   *
   * @throws BerthException NOT_FOUND for an unknown one
   */
  public void abort(String namespace, @Nullable String lease, String ref) {
    forget(get(namespace, ref), lease);
  }

  /** Forgets what a lease has of ingests that nobody writes to. */
  public void abortAll(String namespace, String lease) {
    List<IngestRow> all =
        metadata.read(query ->
            query.all(
                IngestRow.SELECT
                    + " WHERE namespace = ? AND ref IN (SELECT id FROM lease_resource WHERE"
                    + " namespace = ? AND lease = ? AND type = 'ingests')",
                IngestRow::read,
                namespace,
                namespace,
                lease));
    for (IngestRow row : all) {
      if (!isLocked(namespace, row.ref())) {
        forget(row, lease);
      }
    }
  }

  void forget(IngestRow row, @Nullable String lease) {
    metadata.lazy(transaction -> {
      remove(transaction, row);
      Leases.remove(transaction, row.namespace(), lease, Lease.Resource.ingest(row.ref()));
      return true;
    });
  }

  /**
   * Removes a record as part of a change; the bytes go when that is committed. Answers whether it
   * was there.
   */
  public boolean remove(Transaction transaction, IngestRow row) throws SQLException {
    boolean there = transaction.run("DELETE FROM ingest WHERE id = ?", row.id()) > 0;
    if (there) {
      transaction.afterwards(() -> trash.takeOrLog(paths.ingest(row.id())));
    }
    return there;
  }

  /** Whether somebody writes it just now. */
  public boolean isLocked(String namespace, String ref) {
    return locks.isTaken(namespace, ref);
  }

  private IngestRow get(String namespace, String ref) {
    IngestRow row = find(namespace, ref);
    if (row == null) {
      throw new BerthException.NotFound("ingest \"" + ref + "\"");
    }
    return row;
  }

  private @Nullable IngestRow find(String namespace, String ref) {
    return metadata.read(query ->
        query.first(
            IngestRow.SELECT + " WHERE namespace = ? AND ref = ?",
            IngestRow::read,
            namespace,
            ref));
  }

  void unlock(String namespace, String ref) {
    locks.release(namespace, ref);
  }

  ImagePaths paths() {
    return paths;
  }

  Metadata metadata() {
    return metadata;
  }

  Instant now() {
    return metadata.now();
  }
}
