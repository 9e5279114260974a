package io.berth.image.content;

import io.berth.base.error.BerthException;
import io.berth.base.filter.Filter;
import io.berth.base.id.Digest;
import io.berth.base.id.Labels;
import io.berth.image.disk.ImagePaths;
import io.berth.image.disk.TrashBin;
import io.berth.image.event.StoreEvent;
import io.berth.image.lease.Lease;
import io.berth.image.lease.Leases;
import io.berth.image.meta.Metadata;
import io.berth.image.meta.Query;
import io.berth.image.meta.Row;
import io.berth.image.meta.Transaction;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * All content of all namespaces. Thread-safe. Calls do file I/O; those that commit wait for the
 * disk.
 */
@Singleton
public final class ContentStore {
  private static final Logger LOG = System.getLogger(ContentStore.class.getName());
  private static final List<String> ALGORITHMS = List.of("sha256", "sha512");
  private static final String COLUMNS = "digest, size, created, updated, labels";

  private final ImagePaths paths;
  private final Metadata metadata;
  private final TrashBin trash;

  /**
   * How many writers are about to record each digest. The file of such a digest is in place, or
   * about to be, so {@link #sweep} spares it.
   */
  private final Map<Digest, Integer> arriving = new ConcurrentHashMap<>();

  @Inject
  public ContentStore(ImagePaths paths, Metadata metadata, TrashBin trash) {
    this.paths = paths;
    this.metadata = metadata;
    this.trash = trash;
  }

  /**
   * Compares records with files: forgets what another boot made lazily, image names as well, and
   * what has no file; takes files without a record away.
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
              transaction.runOnNames(
                  "DELETE FROM content WHERE boot IS NOT NULL AND boot <> ?", metadata.boot());
          // A name goes with what it names: who asks for it has it fetched again.
          rows +=
              transaction.runOnNames(
                  "DELETE FROM image WHERE boot IS NOT NULL AND boot <> ?", metadata.boot());
          for (String digest : lost) {
            LOG.log(
                Level.WARNING,
                "content {0} has no whole file any more; its record is dropped",
                digest);
            rows += transaction.runOnNames("DELETE FROM content WHERE digest = ?", digest);
          }
          return rows;
        });
    if (forgotten > 0) {
      known.clear();
      known.addAll(
          metadata.read(
              query -> query.all("SELECT DISTINCT digest FROM content", row -> row.text(1))));
    }
    for (String algorithm : ALGORITHMS) {
      trash.takeUnless(paths.blobs(algorithm), name -> known.contains(algorithm + ":" + name));
    }
  }

  private long sizeOf(Digest digest) {
    try {
      return Files.size(paths.blob(digest));
    } catch (IOException e) {
      return -1;
    }
  }

  /** The record of content; NOT_FOUND when this namespace has none. */
  public ContentInfo info(String namespace, Digest digest) {
    ContentInfo info = find(namespace, digest);
    if (info == null) {
      throw missing(digest);
    }
    return info;
  }

  /** The record of content; null when this namespace has none. */
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

  /** The records of a namespace that pass the filter, ordered by digest. */
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
      transaction.runOnNames(
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
      transaction.emit(namespace, new StoreEvent.ContentDeleted(digest.toString()));
      return true;
    });
  }

  /** Deletes a record as part of a change, without an event; answers whether it was there. */
  public boolean remove(Transaction transaction, String namespace, Digest digest)
      throws SQLException {
    boolean there =
        transaction.runOnNames(
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
   * Takes away all files that no namespace records: what deletions have left that failed. Those of
   * writers at work stay.
   */
  public void sweepUnrecorded() {
    Set<String> files = new HashSet<>();
    for (String algorithm : ALGORITHMS) {
      try (DirectoryStream<Path> blobs = Files.newDirectoryStream(paths.blobs(algorithm))) {
        blobs.forEach(blob -> files.add(algorithm + ":" + blob.getFileName()));
      } catch (IOException | DirectoryIteratorException e) {
        LOG.log(
            Level.WARNING,
            "look for content without a record: {0}; the next collection tries again",
            e.getMessage());
      }
    }
    // The records are read behind the files, so that content that comes meanwhile is not looked at.
    metadata
        .read(query -> query.all("SELECT DISTINCT digest FROM content", row -> row.text(1)))
        .forEach(files::remove);
    for (String file : files) {
      try {
        sweep(Digest.of(file));
      } catch (BerthException.InvalidArgument e) {
        LOG.log(Level.DEBUG, "{0} is none of ours; the next start takes it away", file);
      }
    }
  }

  /**
   * Takes away a file that no namespace records any more, also on the interrupted thread of a
   * caller who went away. It runs as a change, so no other change can record the file meanwhile. A
   * failure is only logged, for the next collection tries again.
   */
  void sweep(Digest digest) {
    // The store refuses to wait on an interrupted thread.
    boolean interrupted = Thread.interrupted();
    try {
      metadata.lazy(transaction -> {
        if (!transaction.exists("SELECT 1 FROM content WHERE digest = ?", digest.toString())) {
          takeUnlessArriving(digest);
        }
        return true;
      });
    } catch (BerthException e) {
      notSwept(digest, e);
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  // A change does no file operations, for all other writers wait meanwhile. This rename of 12 to
  // 20 µs has to be one with the look before it, and a writer that is about to arrive waits for its
  // end: else it would find the file in place, and record it when it is gone.
  private void takeUnlessArriving(Digest digest) {
    arriving.compute(
        digest,
        (_, writers) -> {
          if (writers == null) {
            try {
              trash.take(paths.blob(digest));
            } catch (IOException e) {
              notSwept(digest, e);
            }
          }
          return writers;
        });
  }

  private static void notSwept(Digest digest, Exception why) {
    LOG.log(
        Level.WARNING,
        "delete content {0}: {1}; the next collection tries again",
        digest,
        why.getMessage());
  }

  /**
   * Opens content of a namespace to be read. NOT_FOUND without a record, DATA_LOSS without a file.
   */
  public FileChannel open(String namespace, Digest digest) {
    info(namespace, digest);
    try {
      return FileChannel.open(paths.blob(digest), StandardOpenOption.READ);
    } catch (IOException e) {
      throw new BerthException.DataLoss(
          "read content " + digest + ": " + e.getMessage() + "; pull or import it again", e);
    }
  }

  /**
   * Reads a whole document, such as a manifest, up to a bound. NOT_FOUND without a record,
   * INVALID_ARGUMENT above the bound.
   */
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

  /** The file that the bytes are in. */
  public Path path(Digest digest) {
    return paths.blob(digest);
  }

  /** Whether the namespace has the content; the lease keeps it from then on. */
  public boolean lease(String namespace, @Nullable String lease, Digest digest) {
    if (find(namespace, digest) == null) {
      return false;
    }
    if (lease == null) {
      return true;
    }
    return metadata.lazy(transaction -> {
      // A collection may have been before this transaction and behind the look.
      if (find(transaction, namespace, digest) == null) {
        return false;
      }
      Leases.add(transaction, namespace, lease, Lease.Resource.content(digest.toString()));
      return true;
    });
  }

  void arrives(Digest digest) {
    arriving.merge(digest, 1, Integer::sum);
  }

  void hasArrived(Digest digest) {
    arriving.computeIfPresent(digest, (_, count) -> count == 1 ? null : count - 1);
  }

  /** The size of content that any namespace has; -1 if none has it. */
  long sizeInAny(Digest digest) {
    Long size =
        metadata.read(query ->
            query.first(
                "SELECT size FROM content WHERE digest = ?",
                row -> row.number(1),
                digest.toString()));
    return size == null ? -1 : size;
  }

  /** The bytes of all files, each counted once. */
  public long bytes() {
    Long bytes =
        metadata.read(query ->
            query.first(
                "SELECT ifnull(sum(size), 0) FROM (SELECT DISTINCT digest, size FROM content)",
                row -> row.number(1)));
    return bytes == null ? 0 : bytes;
  }
}
