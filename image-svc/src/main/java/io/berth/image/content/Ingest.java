package io.berth.image.content;

import io.berth.base.error.BerthException;
import io.berth.base.id.Digest;
import io.berth.base.id.Labels;
import io.berth.base.io.AtomicFile;
import io.berth.image.codec.Hasher;
import io.berth.image.content.ContentStore.IngestKey;
import io.berth.image.event.Event;
import io.berth.image.lease.Lease;
import io.berth.image.lease.Leases;
import io.berth.image.meta.Metadata;
import io.berth.image.meta.Row;
import io.berth.image.meta.Transaction;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Content on its way in, locked by whoever has it open. What is written stays when it is closed
 * without {@link #commit}, and the next one to open the same ref goes on behind it. Belongs to one
 * thread at a time.
 *
 * <p>If another namespace has the expected content already, nothing needs to be written: the ingest
 * stands at its end, and to commit it records the content here as well.
 */
public final class Ingest implements AutoCloseable {
  private static final Duration UNLEASED_LIFE = Duration.ofHours(24);

  private final ContentStore store;
  private final Request request;
  private final IngestKey key;
  private final @Nullable FileChannel file;
  private final Hasher hasher;
  private final IngestRow row;
  private final @Nullable Digest shared;
  private long offset;
  private long total;
  private Instant updated;
  private boolean rewritten;
  private boolean ended;
  private boolean closed;

  /**
   * What to open.
   *
   * @param ref the client's name for it
   * @param total bytes, 0 if unknown
   * @param expected digest, null if unknown
   * @param watched its digest will be asked for on the way
   */
  public record Request(
      String namespace,
      @Nullable String lease,
      String ref,
      long total,
      @Nullable Digest expected,
      boolean watched) {
    /** Of unknown size and digest. */
    public static Request of(String namespace, @Nullable String lease, String ref) {
      return new Request(namespace, lease, ref, 0, null, false);
    }
  }

  private Ingest(
      ContentStore store,
      Request request,
      IngestRow row,
      @Nullable FileChannel file,
      @Nullable Digest shared) {
    this.store = store;
    this.request = request;
    this.key = new IngestKey(request.namespace, request.ref);
    this.row = row;
    this.file = file;
    this.shared = shared;
    this.total = row.total();
    this.updated = row.started();
    this.hasher =
        Hasher.of(
            request.expected == null ? "sha256" : request.expected.algorithm(), request.watched);
  }

  static Ingest open(ContentStore store, Request request) {
    if (request.ref.isEmpty()) {
      throw new BerthException.InvalidArgument("ingest needs a reference");
    }
    if (request.total < 0) {
      throw new BerthException.InvalidArgument(
          "ingest \"" + request.ref + "\": total " + request.total + " is negative");
    }
    Digest expected = request.expected;
    if (expected != null && store.lease(request.namespace, request.lease, expected)) {
      throw new BerthException.AlreadyExists("content " + expected);
    }
    IngestKey key = new IngestKey(request.namespace, request.ref);
    store.lock(key);
    boolean opened = false;
    try {
      Ingest ingest = openLocked(store, request);
      opened = true;
      return ingest;
    } catch (IOException e) {
      throw new BerthException.Internal(
          "open ingest \"" + request.ref + "\": " + e.getMessage(), e);
    } finally {
      if (!opened) {
        store.unlock(key);
      }
    }
  }

  private static Ingest openLocked(ContentStore store, Request request) throws IOException {
    IngestRow old = store.ingestRow(request.namespace, request.ref);
    Digest expected = request.expected;
    if (old == null && expected != null) {
      long size = store.sizeInAny(expected);
      if (size >= 0 && (request.total == 0 || request.total == size)) {
        Instant now = store.metadata().now();
        IngestRow virtual =
            new IngestRow(request.namespace, request.ref, -1, now, size, expected.toString(), now);
        Ingest ingest = new Ingest(store, request, virtual, null, expected);
        ingest.offset = size;
        return ingest;
      }
    }
    boolean restart =
        old != null && old.total() > 0 && request.total > 0 && old.total() != request.total;
    IngestRow row = record(store, request, old);
    Path folder = store.paths().ingest(row.id());
    Files.createDirectories(folder);
    FileChannel file =
        FileChannel.open(
            folder.resolve("data"),
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE);
    Ingest ingest = new Ingest(store, request, row, file, null);
    try {
      if (restart) {
        ingest.truncate(0);
      } else {
        ingest.resume(file);
      }
    } catch (IOException | RuntimeException e) {
      file.close();
      throw e;
    }
    return ingest;
  }

  private static IngestRow record(ContentStore store, Request request, @Nullable IngestRow old) {
    return store
        .metadata()
        .lazy(transaction -> {
          long total = request.total > 0 || old == null ? request.total : old.total();
          String expected =
              request.expected != null
                  ? request.expected.toString()
                  : old == null ? "" : old.expected();
          IngestRow row =
              new IngestRow(
                  request.namespace,
                  request.ref,
                  old == null ? store.nextIngestId() : old.id(),
                  old == null ? transaction.now() : old.started(),
                  total,
                  expected,
                  request.lease == null ? transaction.now().plus(UNLEASED_LIFE) : Instant.EPOCH);
          transaction.run(
              "INSERT OR REPLACE INTO ingest (namespace, ref, id, started, total, expected, expires) VALUES (?, ?, ?, ?, ?, ?, ?)",
              row.namespace(),
              row.ref(),
              row.id(),
              Row.nanos(row.started()),
              row.total(),
              row.expected(),
              Row.nanos(row.expires()));
          Leases.add(
              transaction, request.namespace, request.lease, Lease.Resource.ingest(request.ref));
          return row;
        });
  }

  /** Reads what is there once more, for its digest goes on. */
  private void resume(FileChannel open) throws IOException {
    offset = open.size();
    if (offset == 0) {
      return;
    }
    updated = Files.getLastModifiedTime(store.paths().ingest(row.id()).resolve("data")).toInstant();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment part = arena.allocate(256 << 10);
      for (long at = 0; at < offset; ) {
        ByteBuffer buffer = part.asByteBuffer().limit((int) Math.min(part.byteSize(), offset - at));
        ContentStore.readFully(open, buffer, at);
        hasher.update(part.asSlice(0, buffer.position()));
        at += buffer.position();
      }
    }
  }

  /** Bytes that are there already; at least one, from a place before the offset on. */
  public int read(MemorySegment into, long at) throws IOException {
    FileChannel open = file;
    if (open == null) {
      throw new IllegalStateException("ingest \"" + request.ref + "\" has no bytes of its own");
    }
    return open.read(into.asSlice(0, Math.min(into.byteSize(), offset - at)).asByteBuffer(), at);
  }

  /** Bytes there. */
  public long offset() {
    return offset;
  }

  /** Bytes expected, 0 if unknown. */
  public long total() {
    return total;
  }

  /** Changes the expected size; 0 leaves it. */
  public void expectTotal(long bytes) {
    if (bytes > 0) {
      total = bytes;
    }
  }

  /** Of what is there. */
  public Digest digest() {
    return shared != null && !rewritten ? shared : hasher.soFar();
  }

  public Instant started() {
    return row.started();
  }

  public Instant updated() {
    return updated;
  }

  /** Whether the namespace has got this content in the meantime; it is given to the lease then. */
  public boolean isSuperseded(Digest expected) {
    return store.lease(request.namespace, request.lease, expected);
  }

  /** Cuts to nothing, to begin again. */
  public void truncate(long bytes) {
    if (bytes != 0) {
      throw new BerthException.NotImplemented(
          "truncate ingest \"" + request.ref + "\" to anything but 0");
    }
    if (file == null) {
      // What is there belongs to another namespace; what the client sends is only compared with it.
      rewritten = true;
      hasher.reset();
      offset = 0;
      return;
    }
    try {
      file.truncate(0);
    } catch (IOException e) {
      throw failure(e);
    }
    hasher.reset();
    offset = 0;
  }

  /** Appends. */
  public void write(MemorySegment bytes) {
    if (file != null) {
      append(file, bytes);
    } else if (!rewritten && bytes.byteSize() > 0) {
      throw new BerthException.FailedPrecondition(
          "ingest \"" + request.ref + "\": content is complete");
    }
    hasher.update(bytes);
    offset += bytes.byteSize();
    updated = store.metadata().now();
  }

  private void append(FileChannel file, MemorySegment bytes) {
    ByteBuffer buffer = bytes.asByteBuffer();
    try {
      long at = offset;
      while (buffer.hasRemaining()) {
        at += file.write(buffer, at);
      }
    } catch (IOException e) {
      throw failure(e);
    }
  }

  private BerthException failure(IOException e) {
    String message = String.valueOf(e.getMessage());
    return message.contains("No space left")
        ? new BerthException.ResourceExhausted(
            "write ingest \"" + request.ref + "\": the disk is full; free space there", e)
        : new BerthException.Internal("write ingest \"" + request.ref + "\": " + message, e);
  }

  /**
   * Makes it content.
   *
   * @param size bytes, 0 for any number
   * @param expected digest, null for any
   * @throws BerthException FAILED_PRECONDITION when size or digest are others, the ingest stays;
   *     ALREADY_EXISTS when the namespace has it, the ingest is gone
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
    if (expected != null && !expected.equals(digest)) {
      throw new BerthException.FailedPrecondition(
          "unexpected commit digest " + digest + ", expected " + expected);
    }
    if (shared != null && !shared.equals(digest)) {
      throw new BerthException.FailedPrecondition(
          "unexpected commit digest " + digest + ", expected " + shared);
    }
    return commitAs(digest, stored, durability);
  }

  /**
   * Makes it content under the digest that {@link #digest} just answered.
   *
   * @throws BerthException ALREADY_EXISTS when the namespace has it, the ingest is gone
   */
  public ContentInfo commitAs(
      Digest digest, Map<String, String> stored, Metadata.Durability durability) {
    store.arrives(digest);
    try {
      place(digest, durability);
      return record(digest, stored, durability);
    } catch (IOException e) {
      throw failure(e);
    } finally {
      store.hasArrived(digest);
      ended = true;
      close();
    }
  }

  private void place(Digest digest, Metadata.Durability durability) throws IOException {
    if (file == null) {
      return;
    }
    Path blob = store.paths().blob(digest);
    if (Files.exists(blob) && Files.size(blob) == offset) {
      return;
    }
    if (durability == Metadata.Durability.DURABLE) {
      file.force(false);
    }
    Files.move(
        store.paths().ingest(row.id()).resolve("data"),
        blob,
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
    if (durability == Metadata.Durability.DURABLE) {
      AtomicFile.syncFolder(store.paths().blobs(digest.algorithm()));
    }
  }

  private ContentInfo record(
      Digest digest, Map<String, String> labels, Metadata.Durability durability) {
    boolean created =
        store
            .metadata()
            .write(
                durability,
                transaction -> {
                  if (file != null) {
                    store.removeIngest(transaction, row);
                  }
                  Leases.remove(
                      transaction,
                      request.namespace,
                      request.lease,
                      Lease.Resource.ingest(request.ref));
                  Leases.add(
                      transaction,
                      request.namespace,
                      request.lease,
                      Lease.Resource.content(digest.toString()));
                  if (file == null
                      && !transaction.exists(
                          "SELECT 1 FROM content WHERE digest = ?", digest.toString())) {
                    throw new BerthException.Unavailable(
                        "content " + digest + " went away meanwhile; write it again");
                  }
                  int rows =
                      transaction.run(
                          "INSERT OR IGNORE INTO content (namespace, digest, size, created, updated, labels, boot) VALUES (?, ?, ?, ?, ?, ?, ?)",
                          request.namespace,
                          digest.toString(),
                          offset,
                          Row.nanos(transaction.now()),
                          Row.nanos(transaction.now()),
                          Transaction.text(labels),
                          durability == Metadata.Durability.DURABLE ? null : transaction.boot());
                  if (rows > 0) {
                    transaction.emit(
                        request.namespace, new Event.ContentCreated(digest.toString(), offset));
                  }
                  return rows > 0;
                });
    if (!created) {
      throw new BerthException.AlreadyExists("content " + digest);
    }
    return store.info(request.namespace, digest);
  }

  /** Forgets what was written. */
  public void abort() {
    if (file != null && !ended) {
      store.forget(row, request.lease);
    }
    ended = true;
    close();
  }

  /** Lets the lock go; a second time nothing happens. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    hasher.close();
    try {
      if (file != null) {
        file.close();
      }
    } catch (IOException e) {
      throw failure(e);
    } finally {
      store.unlock(key);
    }
  }
}
