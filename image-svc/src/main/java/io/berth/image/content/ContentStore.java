package io.berth.image.content;

import io.berth.base.error.BerthException;
import io.berth.base.filter.Filter;
import io.berth.base.id.Digest;
import io.berth.base.id.Labels;
import io.berth.image.disk.ImagePaths;
import io.berth.image.disk.TrashBin;
import io.berth.image.event.Event;
import io.berth.image.lease.Lease;
import io.berth.image.lease.Leases;
import io.berth.image.meta.Metadata;
import io.berth.image.meta.Query;
import io.berth.image.meta.Row;
import io.berth.image.meta.Transaction;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.SQLException;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * All content of all namespaces. Thread-safe. Calls do file I/O; those that commit wait for the
 * disk.
 */
@Singleton
public final class ContentStore {
  private static final Logger LOG = System.getLogger(ContentStore.class.getName());
  private static final String COLUMNS = "digest, size, created, updated, labels";

  private final ImagePaths paths;
  private final Metadata metadata;
  private final TrashBin trash;
  private final Map<IngestKey, Instant> locks = new ConcurrentHashMap<>();

  /**
   * Digests whose file is in place, or about to be, but whose record is not committed yet: the
   * sweeper spares them.
   */
  private final Map<Digest, Integer> arriving = new ConcurrentHashMap<>();

  private final AtomicLong nextIngest = new AtomicLong();

  @Inject
  public ContentStore(ImagePaths paths, Metadata metadata, TrashBin trash) {
    this.paths = paths;
    this.metadata = metadata;
    this.trash = trash;
  }

  record IngestKey(String namespace, String ref) {}

  /**
   * Compares records with files: forgets what another boot made lazily and what has no file, takes
   * files without a record away.
   */
  public void start() throws IOException {
    Set<String> known = new HashSet<>();
    Set<String> lost = new HashSet<>();
    metadata
        .read(query ->
            query.all(
                "SELECT DISTINCT digest, size FROM content",
                row -> Map.entry(row.text(1), row.number(2))))
        .forEach(content -> {
          known.add(content.getKey());
          if (sizeOf(Digest.of(content.getKey())) != content.getValue()) {
            lost.add(content.getKey());
          }
        });
    int forgotten =
        metadata.durable(transaction -> {
          int rows =
              transaction.run(
                  "DELETE FROM content WHERE boot IS NOT NULL AND boot <> ?", metadata.boot());
          for (String digest : lost) {
            LOG.log(
                Level.WARNING,
                "content {0} has no whole file any more; its record is dropped",
                digest);
            rows += transaction.run("DELETE FROM content WHERE digest = ?", digest);
          }
          return rows;
        });
    if (forgotten > 0) {
      known.clear();
      known.addAll(
          metadata.read(
              query -> query.all("SELECT DISTINCT digest FROM content", row -> row.text(1))));
    }
    for (String algorithm : List.of("sha256", "sha512")) {
      takeStrangers(paths.blobs(algorithm), name -> known.contains(algorithm + ":" + name));
    }
    startIngests();
  }

  private void startIngests() throws IOException {
    Set<String> ids =
        new HashSet<>(
            metadata.read(query -> query.all("SELECT id FROM ingest", row -> row.text(1))));
    takeStrangers(paths.ingests(), ids::contains);
    nextIngest.set(ids.stream().mapToLong(Long::parseLong).max().orElse(0));
  }

  private void takeStrangers(Path folder, java.util.function.Predicate<String> known)
      throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      for (Path file : files) {
        if (!known.test(file.getFileName().toString())) {
          trash.take(file);
        }
      }
    }
  }

  private long sizeOf(Digest digest) {
    try {
      return Files.size(paths.blob(digest));
    } catch (IOException e) {
      return -1;
    }
  }

  /** NOT_FOUND when this namespace has no record of it. */
  public ContentInfo info(String namespace, Digest digest) {
    ContentInfo info = find(namespace, digest);
    if (info == null) {
      throw missing(digest);
    }
    return info;
  }

  /** The same, null when there is none. */
  public @Nullable ContentInfo find(String namespace, Digest digest) {
    return metadata.read(query -> find(query, namespace, digest));
  }

  private static @Nullable ContentInfo find(Query query, String namespace, Digest digest)
      throws SQLException {
    return query.first(
        "SELECT " + COLUMNS + " FROM content WHERE namespace = ? AND digest = ?",
        ContentStore::read,
        namespace,
        digest.toString());
  }

  private static ContentInfo read(Row row) throws SQLException {
    return new ContentInfo(
        Digest.of(row.text(1)), row.number(2), row.time(3), row.time(4), row.labels(5));
  }

  private static BerthException missing(Digest digest) {
    return new BerthException.NotFound("content " + digest);
  }

  /** Those that pass, by digest. */
  public List<ContentInfo> list(String namespace, Filter filter) {
    return metadata
        .read(query ->
            query.all(
                "SELECT " + COLUMNS + " FROM content WHERE namespace = ? ORDER BY digest",
                ContentStore::read,
                namespace))
        .stream()
        .filter(filter::matches)
        .toList();
  }

  /**
   * Changes labels.
   *
   * @param maskPaths {@code labels} or {@code labels.KEY}; empty: all labels are replaced
   */
  public ContentInfo update(
      String namespace, Digest digest, Map<String, String> labels, List<String> maskPaths) {
    List<String> mask = maskPaths.isEmpty() ? List.of("labels") : maskPaths;
    for (String path : mask) {
      if (!path.equals("labels") && !path.startsWith("labels.")) {
        throw new BerthException.InvalidArgument(
            "cannot update \"" + path + "\" field on content info \"" + digest + "\"");
      }
    }
    return metadata.durable(transaction -> {
      ContentInfo old = find(transaction, namespace, digest);
      if (old == null) {
        throw missing(digest);
      }
      Map<String, String> updated = Labels.updated(old.labels(), labels, mask);
      transaction.run(
          "UPDATE content SET labels = ?, updated = ? WHERE namespace = ? AND digest = ?",
          Transaction.text(updated),
          Row.nanos(transaction.now()),
          namespace,
          digest.toString());
      return new ContentInfo(digest, old.size(), old.created(), transaction.now(), updated);
    });
  }

  /** Deletes this namespace's record; the file goes if no other namespace has one. */
  public void delete(String namespace, @Nullable String lease, Digest digest) {
    metadata.durable(transaction -> {
      if (!remove(transaction, namespace, digest)) {
        throw missing(digest);
      }
      Leases.remove(transaction, namespace, lease, Lease.Resource.content(digest.toString()));
      transaction.emit(namespace, new Event.ContentDeleted(digest.toString()));
      return true;
    });
  }

  /** As part of a change, without telling anybody. */
  public boolean remove(Transaction transaction, String namespace, Digest digest)
      throws SQLException {
    boolean there =
        transaction.run(
                "DELETE FROM content WHERE namespace = ? AND digest = ?",
                namespace,
                digest.toString())
            > 0;
    if (there) {
      transaction.afterwards(() -> sweep(digest));
    }
    return there;
  }

  /**
   * Takes a file away that nobody records. Runs with the writers, so none of them can record it
   * meanwhile.
   */
  private void sweep(Digest digest) {
    metadata.lazy(transaction -> {
      if (!arriving.containsKey(digest)
          && !transaction.exists("SELECT 1 FROM content WHERE digest = ?", digest.toString())) {
        try {
          // A rename, 12 to 20 µs: the one file operation that has to be one with the look before
          // it.
          trash.take(paths.blob(digest));
        } catch (IOException e) {
          LOG.log(
              Level.WARNING,
              "delete content {0}: {1}; the next start tries again",
              digest,
              e.getMessage());
        }
      }
      return true;
    });
  }

  /** Opens what this namespace records. */
  public FileChannel open(String namespace, Digest digest) {
    info(namespace, digest);
    try {
      return FileChannel.open(paths.blob(digest), StandardOpenOption.READ);
    } catch (IOException e) {
      throw new BerthException.DataLoss(
          "read content " + digest + ": " + e.getMessage() + "; pull or import it again", e);
    }
  }

  /** All of it, up to a bound: manifests and configurations. */
  public byte[] readAll(String namespace, Digest digest, long limit) {
    ContentInfo info = info(namespace, digest);
    if (info.size() > limit) {
      throw new BerthException.InvalidArgument(
          "content "
              + digest
              + " has "
              + info.size()
              + " bytes; at most "
              + limit
              + " are read as a document");
    }
    try {
      return Files.readAllBytes(paths.blob(digest));
    } catch (IOException e) {
      throw new BerthException.DataLoss(
          "read content " + digest + ": " + e.getMessage() + "; pull or import it again", e);
    }
  }

  /** Where the bytes are. */
  public Path path(Digest digest) {
    return paths.blob(digest);
  }

  /** Whether the namespace has it, given to the lease if so. */
  public boolean lease(String namespace, @Nullable String lease, Digest digest) {
    if (find(namespace, digest) == null) {
      return false;
    }
    if (lease != null) {
      metadata.lazy(transaction -> {
        Leases.add(transaction, namespace, lease, Lease.Resource.content(digest.toString()));
        return true;
      });
    }
    return true;
  }

  /**
   * Opens an ingest and holds its lock until it is closed.
   *
   * @throws BerthException UNAVAILABLE while another holds it; ALREADY_EXISTS when what is expected
   *     is there
   */
  public Ingest ingest(Ingest.Request request) {
    return Ingest.open(this, request);
  }

  /** Stores a small document; there already is fine. Answers its digest. */
  public Digest put(
      Ingest.Request request,
      byte[] bytes,
      Map<String, String> labels,
      Metadata.Durability durability) {
    Digest digest = Digest.sha256(bytes);
    if (lease(request.namespace(), request.lease(), digest)) {
      if (!labels.isEmpty()) {
        update(
            request.namespace(),
            digest,
            labels,
            labels.keySet().stream().map(key -> "labels." + key).toList());
      }
      return digest;
    }
    try (Ingest ingest = ingest(request)) {
      ingest.truncate(0);
      ingest.write(MemorySegment.ofArray(bytes));
      ingest.commit(bytes.length, digest, labels, durability);
    } catch (BerthException.AlreadyExists e) {
      LOG.log(Level.DEBUG, "{0} came in twice", digest);
    }
    return digest;
  }

  /** NOT_FOUND for an unknown one. */
  public IngestStatus status(String namespace, String ref) {
    IngestRow row = ingestRow(namespace, ref);
    if (row == null) {
      throw new BerthException.NotFound("ingest \"" + ref + "\"");
    }
    return status(row);
  }

  /** Those that pass. */
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
    Path data = paths.ingest(row.id()).resolve("data");
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

  /** Gives an ingest up. NOT_FOUND for an unknown one, UNAVAILABLE while somebody writes it. */
  public void abort(String namespace, @Nullable String lease, String ref) {
    IngestKey key = new IngestKey(namespace, ref);
    lock(key);
    try {
      IngestRow row = ingestRow(namespace, ref);
      if (row == null) {
        throw new BerthException.NotFound("ingest \"" + ref + "\"");
      }
      forget(row, lease);
    } finally {
      unlock(key);
    }
  }

  void forget(IngestRow row, @Nullable String lease) {
    metadata.lazy(transaction -> {
      removeIngest(transaction, row);
      Leases.remove(transaction, row.namespace(), lease, Lease.Resource.ingest(row.ref()));
      return true;
    });
  }

  /** As part of a change. */
  public void removeIngest(Transaction transaction, IngestRow row) throws SQLException {
    transaction.run(
        "DELETE FROM ingest WHERE namespace = ? AND ref = ?", row.namespace(), row.ref());
    transaction.afterwards(() -> takeAway(paths.ingest(row.id())));
  }

  void takeAway(Path path) {
    try {
      trash.take(path);
    } catch (IOException e) {
      LOG.log(Level.WARNING, "delete `{0}`: {1}; the next start tries again", path, e.getMessage());
    }
  }

  /** Whether somebody writes it just now. */
  public boolean isLocked(String namespace, String ref) {
    return locks.containsKey(new IngestKey(namespace, ref));
  }

  @Nullable IngestRow ingestRow(String namespace, String ref) {
    return metadata.read(query ->
        query.first(
            IngestRow.SELECT + " WHERE namespace = ? AND ref = ?",
            IngestRow::read,
            namespace,
            ref));
  }

  long nextIngestId() {
    return nextIngest.incrementAndGet();
  }

  void lock(IngestKey key) {
    Instant now = metadata.now();
    Instant since = locks.putIfAbsent(key, now);
    if (since != null) {
      throw new BerthException.Unavailable(
          "ref "
              + key.ref
              + " locked for "
              + java.time.Duration.between(since, now).toMillis()
              + "ms (since "
              + since
              + ")");
    }
  }

  void unlock(IngestKey key) {
    locks.remove(key);
  }

  void arrives(Digest digest) {
    arriving.merge(digest, 1, Integer::sum);
  }

  void hasArrived(Digest digest) {
    arriving.computeIfPresent(digest, (_, count) -> count == 1 ? null : count - 1);
  }

  ImagePaths paths() {
    return paths;
  }

  Metadata metadata() {
    return metadata;
  }

  /** Of any namespace: the size, or -1. */
  long sizeInAny(Digest digest) {
    Long size =
        metadata.read(query ->
            query.first(
                "SELECT size FROM content WHERE digest = ?",
                row -> row.number(1),
                digest.toString()));
    return size == null ? -1 : size;
  }

  /** Bytes of all files, each once. */
  public long bytes() {
    Long bytes =
        metadata.read(query ->
            query.first(
                "SELECT ifnull(sum(size), 0) FROM (SELECT DISTINCT digest, size FROM content)",
                row -> row.number(1)));
    return bytes == null ? 0 : bytes;
  }

  /** Reads a whole range into a buffer; the channel is positioned by the caller. */
  static void readFully(FileChannel channel, ByteBuffer into, long position) {
    try {
      long at = position;
      while (into.hasRemaining()) {
        int count = channel.read(into, at);
        if (count < 0) {
          throw new BerthException.DataLoss("content is shorter than recorded");
        }
        at += count;
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
