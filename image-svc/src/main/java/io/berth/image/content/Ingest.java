package io.berth.image.content;

import io.berth.base.error.BerthException;
import io.berth.base.id.Digest;
import io.berth.base.id.Labels;
import io.berth.image.codec.Hasher;
import io.berth.image.event.StoreEvent;
import io.berth.image.lease.Lease;
import io.berth.image.lease.Leases;
import io.berth.image.meta.Metadata;
import io.berth.image.meta.Row;
import io.berth.image.meta.Transaction;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Content on its way in, locked against other writers as long as it is open. What is written stays
 * when the ingest is closed without {@link #commit}, and the next writer that opens the same ref
 * goes on behind it. An ingest belongs to one thread at a time.
 *
 * <p>If another namespace has the expected content already, nothing needs to be written: the ingest
 * stands at its end, and to commit it only records the content in this namespace as well. Whoever
 * writes to it nevertheless gets a copy of the bytes to go on from.
 */
public final class Ingest implements AutoCloseable {
  private static final int READ_BYTES = 256 << 10;

  private final IngestStore store;
  private final ContentStore content;
  private final Request request;

  /** Null if the bytes are another namespace's. */
  private @Nullable IngestFile file;

  private final Hasher hasher;
  private IngestRow row;

  /** The digest of the bytes if they are another namespace's. */
  private @Nullable Digest shared;

  private volatile long offset;
  private long total;
  private volatile Instant updated;
  private boolean written;
  private boolean ended;
  private boolean closed;

  /**
   * Says which ingest to open.
   *
   * @param lease keeps the ingest, and the content once it is committed; null for none
   * @param ref the client's name for the ingest
   * @param total bytes that are expected, 0 if unknown
   * @param expected digest, null if unknown
   * @param watched whether {@link #digest} will be asked before everything is written
   */
  public record Request(
      String namespace,
      @Nullable String lease,
      String ref,
      long total,
      @Nullable Digest expected,
      boolean watched) {
    /** A request for content of unknown size and digest. */
    public static Request of(String namespace, @Nullable String lease, String ref) {
      return new Request(namespace, lease, ref, 0, null, false);
    }
  }

  Ingest(
      IngestStore store,
      ContentStore content,
      Request request,
      IngestRow row,
      @Nullable IngestFile file,
      @Nullable Digest shared) {
    this.store = store;
    this.content = content;
    this.request = request;
    this.row = row;
    this.file = file;
    this.shared = shared;
    this.offset = file == null ? row.total() : 0;
    this.total = row.total();
    this.updated = row.started();
    this.hasher =
        Hasher.of(
            request.expected == null ? "sha256" : request.expected.algorithm(), request.watched);
  }

  /** Reads what an earlier writer left, for the digest has to cover it. */
  void resume(IngestFile left) throws IOException {
    long size = left.size();
    offset = size;
    Instant modified = left.modified();
    updated = modified.isAfter(row.started()) ? modified : row.started();
    if (size == 0) {
      return;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment part = arena.allocate(READ_BYTES);
      for (long at = 0; at < size; ) {
        int count = left.read(part.asSlice(0, Math.min(part.byteSize(), size - at)), at);
        if (count < 0) {
          throw new BerthException.DataLoss(
              "ingest \"" + request.ref + "\" became shorter while it was read; write it again");
        }
        hasher.update(part.asSlice(0, count));
        at += count;
      }
    }
  }

  /**
   * Reads bytes that were written before, at least one.
   *
   * @param at from where on; before {@link #offset}
   */
  public int read(MemorySegment into, long at) throws IOException {
    IngestFile open = file;
    if (open == null) {
      throw new IllegalStateException("ingest \"" + request.ref + "\" has no bytes of its own");
    }
    return open.read(into.asSlice(0, Math.min(into.byteSize(), offset - at)), at);
  }

  /** The number of bytes that are there. */
  public long offset() {
    return offset;
  }

  /** The number of bytes that are expected, 0 if unknown. */
  public long total() {
    return total;
  }

  /** Changes the number of bytes that are expected; 0 leaves it. */
  public void expectTotal(long bytes) {
    if (bytes > 0) {
      total = bytes;
    }
  }

  /** The digest of the bytes that are there. */
  public Digest digest() {
    Digest whole = shared;
    return whole != null ? whole : hasher.soFar();
  }

  /** When the first writer opened it. */
  public Instant started() {
    return row.started();
  }

  /** When it was written last. */
  public Instant updated() {
    return updated;
  }

  /** Whether the namespace has got this content meanwhile; the lease keeps it from then on. */
  public boolean isSuperseded(Digest expected) {
    return content.lease(request.namespace, request.lease, expected);
  }

  /**
   * Throws away what is there, to begin again.
   *
   * @param bytes 0
   * @throws BerthException UNIMPLEMENTED for any other size
   */
  public void truncate(long bytes) {
    if (bytes != 0) {
      throw new BerthException.NotImplemented(
          "truncate ingest \"" + request.ref + "\" to anything but 0");
    }
    own().clear();
    hasher.reset();
    offset = 0;
    touch();
  }

  private void touch() {
    updated = store.now();
    written = true;
  }

  /** The file to write to; makes one, without any bytes, if the bytes are another namespace's. */
  private IngestFile own() {
    IngestFile open = file;
    if (open == null) {
      row = store.record(request, null);
      open = IngestFile.open(store.paths(), row.id(), request.ref);
      file = open;
      shared = null;
      offset = 0;
    }
    return open;
  }

  /** Copies another namespace's bytes, so that they can be gone on from. */
  private void unshare(Digest from) {
    IngestFile own = own();
    try (Arena arena = Arena.ofConfined();
        FileChannel blob = FileChannel.open(content.path(from), StandardOpenOption.READ)) {
      MemorySegment part = arena.allocate(READ_BYTES);
      long at = 0;
      for (int count = blob.read(part.asByteBuffer());
          count >= 0;
          count = blob.read(part.asByteBuffer())) {
        MemorySegment bytes = part.asSlice(0, count);
        own.write(bytes, at);
        hasher.update(bytes);
        at += count;
        offset = at;
      }
    } catch (IOException e) {
      throw new BerthException.Unavailable(
          "content " + from + " went away meanwhile; write it again", e);
    }
  }

  /**
   * Appends bytes, of heap or native memory.
   *
   * @throws BerthException RESOURCE_EXHAUSTED when the disk is full
   */
  public void write(MemorySegment bytes) {
    if (bytes.byteSize() == 0) {
      return;
    }
    Digest from = shared;
    if (from != null) {
      unshare(from);
    }
    long at = offset;
    own().write(bytes, at);
    hasher.update(bytes);
    offset = at + bytes.byteSize();
    touch();
  }

  /**
   * Makes the bytes content, and closes the ingest.
   *
   * @param size bytes that there have to be, 0 for any number
   * @param expected digest, null for any
   * @throws BerthException FAILED_PRECONDITION when size or digest are others, the ingest stays;
   *     ALREADY_EXISTS when the namespace has the content, the ingest is gone; NOT_FOUND when
   *     somebody has aborted it
   */
  public ContentInfo commit(
      long size,
      @Nullable Digest expected,
      Map<String, String> labels,
      Metadata.Durability durability) {
    Map<String, String> stored = Labels.stored(labels);
    if (size > 0 && size != offset) {
      throw new BerthException.FailedPrecondition(
          "\"" + request.ref + "\" failed size validation: " + offset + " != " + size);
    }
    Digest digest = digest();
    checkDigest(digest, expected);
    return commitAs(digest, stored, durability);
  }

  private static void checkDigest(Digest digest, @Nullable Digest expected) {
    if (expected != null && !expected.equals(digest)) {
      throw new BerthException.FailedPrecondition(
          "unexpected commit digest " + digest + ", expected " + expected);
    }
  }

  /**
   * Makes the bytes content under the digest that {@link #digest} just answered, and closes the
   * ingest.
   *
   * @param stored labels in their stored form
   * @throws BerthException ALREADY_EXISTS when the namespace has the content, the ingest is gone
   */
  public ContentInfo commitAs(
      Digest digest, Map<String, String> stored, Metadata.Durability durability) {
    boolean recorded = false;
    content.arrives(digest);
    try {
      place(digest, durability == Metadata.Durability.DURABLE);
      boolean isNew =
          store.metadata().write(durability, change -> record(change, digest, stored, durability));
      recorded = true;
      if (!isNew) {
        throw new BerthException.AlreadyExists("content " + digest);
      }
      return content.info(request.namespace, digest);
    } finally {
      content.hasArrived(digest);
      try {
        if (!recorded) {
          // The file may be in its place already, and nobody would delete it without a record.
          content.sweep(digest);
        }
      } finally {
        ended = true;
        close();
      }
    }
  }

  private BerthException aborted() {
    return new BerthException.NotFound("ingest \"" + request.ref + "\" was aborted meanwhile");
  }

  private void place(Digest digest, boolean durable) {
    if (file == null) {
      return;
    }
    Path blob = content.path(digest);
    try {
      if (Files.exists(blob) && Files.size(blob) == offset) {
        return;
      }
    } catch (IOException e) {
      throw new BerthException.Internal("look for content " + digest + ": " + e.getMessage(), e);
    }
    if (!file.moveTo(blob, store.paths().blobs(digest.algorithm()), durable)) {
      throw aborted();
    }
  }

  /** Answers false if the namespace has a record of the content already. */
  private boolean record(
      Transaction transaction,
      Digest digest,
      Map<String, String> labels,
      Metadata.Durability durability)
      throws SQLException {
    if (file != null && !store.remove(transaction, row)) {
      throw aborted();
    }
    Leases.remove(
        transaction, request.namespace, request.lease, Lease.Resource.ingest(request.ref));
    Leases.add(
        transaction, request.namespace, request.lease, Lease.Resource.content(digest.toString()));
    if (file == null
        && !transaction.exists("SELECT 1 FROM content WHERE digest = ?", digest.toString())) {
      throw new BerthException.Unavailable(
          "content " + digest + " went away meanwhile; write it again");
    }
    int rows =
        transaction.runOnNames(
            "INSERT OR IGNORE INTO content (namespace, digest, size, created, updated, labels,"
                + " boot) VALUES (?, ?, ?, ?, ?, ?, ?)",
            request.namespace,
            digest.toString(),
            offset,
            Row.nanos(transaction.now()),
            Row.nanos(transaction.now()),
            Transaction.text(labels),
            durability == Metadata.Durability.DURABLE ? null : transaction.boot());
    if (rows > 0) {
      transaction.emit(request.namespace, new StoreEvent.ContentCreated(digest.toString(), offset));
    }
    return rows > 0;
  }

  /** Forgets what was written, and closes the ingest. */
  public void abort() {
    if (file != null && !ended) {
      store.forget(row, request.lease);
    }
    ended = true;
    close();
  }

  /** Lets the lock go; a second call does nothing. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    hasher.close();
    try {
      IngestFile open = file;
      if (open != null) {
        if (written && !ended) {
          open.modifiedAt(updated);
        }
        open.close();
      }
    } finally {
      store.unlock(request.namespace, request.ref);
    }
  }
}
