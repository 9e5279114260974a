package io.berth.image.meta;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.store.Database;
import io.berth.image.disk.ImagePaths;
import io.berth.image.event.EventCodec;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * The database of the service. Opened by {@link #start}; calls before are errors. Thread-safe; a
 * write blocks for its commit, a durable one for the disk.
 */
@Singleton
public final class Metadata implements AutoCloseable {
  private final ImagePaths paths;
  private final EventCodec codec;
  private final InstantSource clock;
  private final String boot;
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
  private final Map<Subject, List<Runnable>> changeListeners = new EnumMap<>(Subject.class);
  private volatile @Nullable Database database;

  @GuardedBy("this")
  private long lastNanos;

  @Inject
  public Metadata(ImagePaths paths, EventCodec codec, InstantSource clock) {
    this.paths = paths;
    this.codec = codec;
    this.clock = clock;
    this.boot = bootId();
    for (Subject subject : Subject.values()) {
      changeListeners.put(subject, new CopyOnWriteArrayList<>());
    }
  }

  /**
   * A change of the records. It runs while all other writers wait, so it may do nothing but run
   * statements.
   */
  public interface Change<T extends @Nullable Object> {
    T run(Transaction transaction) throws SQLException;
  }

  /** A look at one consistent state. */
  public interface Look<T extends @Nullable Object> {
    T run(Query query) throws SQLException;
  }

  /** A kind of records that other processes may remember as long as no record of it changes. */
  public enum Subject {
    /** The records of content and of image names. */
    NAMES,
    /**
     * The records of snapshots: one of them was removed, committed or relabelled. A new snapshot
     * changes none of those that were there.
     */
    SNAPSHOTS,
    /** As {@link #SNAPSHOTS}, for committed snapshots only. */
    LAYERS
  }

  /** Says what a change must survive. */
  public enum Durability {
    /** The change survives a power cut as soon as the call returns. */
    DURABLE,
    /** The change survives the death of any process, but not a power cut soon after. */
    LAZY
  }

  /** Opens the database. */
  public void start() throws IOException {
    paths.create();
    database = Database.open(paths.database(), Schema.MIGRATIONS);
    // The clock may have been set back since the newest record was made. The time of a name that is
    // on the disk may be a client's, and says nothing.
    Long newest =
        read(query ->
            query.first(
                """
                SELECT max(
                  (SELECT coalesce(max(updated), 0) FROM content),
                  (SELECT coalesce(max(updated), 0) FROM snapshot),
                  (SELECT coalesce(max(updated), 0) FROM image WHERE boot IS NOT NULL))
                """,
                row -> row.number(1)));
    synchronized (this) {
      lastNanos = newest == null ? 0 : newest;
    }
  }

  /** Makes a change that is on the disk when this returns. */
  public <T extends @Nullable Object> T durable(Change<T> change) {
    return write(Durability.DURABLE, change);
  }

  /** Makes a change that is visible to everybody when this returns, and on the disk later. */
  public <T extends @Nullable Object> T lazy(Change<T> change) {
    return write(Durability.LAZY, change);
  }

  /** Makes a change of either durability. */
  public <T extends @Nullable Object> T write(Durability durability, Change<T> change) {
    List<Transaction> ran = new ArrayList<>(1);
    Database.Work<T> work =
        connection -> {
          Transaction transaction = new Transaction(connection, codec, now(), boot);
          ran.add(transaction);
          return change.run(transaction);
        };
    T value = durability == Durability.DURABLE ? opened().durable(work) : opened().lazy(work);
    Transaction transaction = ran.getLast();
    for (Subject subject : transaction.changed) {
      Objects.requireNonNull(changeListeners.get(subject)).forEach(Runnable::run);
    }
    transaction.afterwards.forEach(Runnable::run);
    if (transaction.emitted) {
      listeners.forEach(Runnable::run);
    }
    return value;
  }

  /** Reads one consistent state. */
  public <T extends @Nullable Object> T read(Look<T> look) {
    return opened().read(connection -> look.run(new Query(connection)));
  }

  /** Adds a listener that is called when events were committed. It must return quickly. */
  public void onEvents(Runnable listener) {
    listeners.add(listener);
  }

  /**
   * Adds a listener that is called at each change to the subject, before the caller that made the
   * change is answered. It must return quickly.
   */
  public void onChange(Subject subject, Runnable listener) {
    Objects.requireNonNull(changeListeners.get(subject)).add(listener);
  }

  /** The id of this boot (random(4), boot_id). */
  public String boot() {
    return boot;
  }

  /**
   * The current time, later than every answer before, also of earlier lives: so records that are
   * made later have later times. It orders them, and is ahead of the clock if that was set back.
   */
  public synchronized Instant now() {
    long nanos = Math.max(Row.nanos(clock.instant()), lastNanos + 1);
    lastNanos = nanos;
    return Row.instant(nanos);
  }

  /** What the clock says, by which leases of clients and the like end; it may be set back. */
  public Instant clockTime() {
    return clock.instant();
  }

  /** The namespaces that images, content or snapshots are recorded in, sorted. */
  public List<String> namespaces() {
    return read(query ->
        query.all(
            "SELECT namespace FROM content UNION SELECT namespace FROM snapshot"
                + " UNION SELECT namespace FROM image ORDER BY 1",
            row -> row.text(1)));
  }

  /** The number of times that the database was synced so far. */
  public long syncs() {
    return opened().syncs();
  }

  private Database opened() {
    return Objects.requireNonNull(database, "the database is not open");
  }

  private static String bootId() {
    try {
      return Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException("read the boot id", e);
    }
  }

  @Override
  public void close() {
    Database open = database;
    database = null;
    if (open != null) {
      open.close();
    }
  }
}
