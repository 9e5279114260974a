package io.berth.containerd.metadata;

import io.berth.base.config.Config;
import io.berth.base.layout.RootFolders;
import io.berth.base.store.Database;
import io.berth.base.store.LateWrites;
import io.berth.base.time.Sleeper;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What this service keeps below {@code ROOT}: its database, and the folder of the containers' own
 * files. Thread-safe between {@link #open} and {@link #close}.
 */
@Singleton
public final class Store implements AutoCloseable {
  private static final List<String> MIGRATIONS =
      List.of(
          """
          CREATE TABLE meta (
            key TEXT PRIMARY KEY,
            value TEXT NOT NULL
          ) WITHOUT ROWID;
          CREATE TABLE namespaces (
            name TEXT PRIMARY KEY,
            labels BLOB NOT NULL
          ) WITHOUT ROWID;
          CREATE TABLE containers (
            namespace TEXT NOT NULL,
            id TEXT NOT NULL,
            record BLOB NOT NULL,
            PRIMARY KEY (namespace, id)
          );
          CREATE TABLE exits (
            namespace TEXT NOT NULL,
            id TEXT NOT NULL,
            exec_id TEXT NOT NULL,
            pid INTEGER NOT NULL,
            status INTEGER NOT NULL,
            seconds INTEGER NOT NULL,
            nanos INTEGER NOT NULL,
            oom INTEGER NOT NULL,
            unknown INTEGER NOT NULL,
            boot TEXT NOT NULL,
            PRIMARY KEY (namespace, id, exec_id)
          ) WITHOUT ROWID;
          CREATE TABLE named_containers (
            namespace TEXT NOT NULL,
            id TEXT NOT NULL,
            name TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            record BLOB NOT NULL,
            progress BLOB NOT NULL,
            PRIMARY KEY (namespace, id)
          );
          CREATE UNIQUE INDEX container_names ON named_containers (namespace, name);
          """);

  private final RootFolders root;
  private final Path file;
  private final Sleeper sleeper;
  private volatile @Nullable Database database;
  private volatile @Nullable LateWrites late;

  @Inject
  Store(Config config, Sleeper sleeper) {
    this.sleeper = sleeper;
    this.root = new RootFolders(config.root());
    this.file = root.containerdDatabase();
  }

  /** Opens or makes the database, and closes both folders to everyone but root. Blocks. */
  public void open() throws IOException {
    root.prepareContainers();
    root.prepareContainerd();
    Database opened = Database.open(file, MIGRATIONS);
    late = new LateWrites(opened, sleeper);
    database = opened;
  }

  /**
   * The open database.
   *
   * @throws IllegalStateException before {@link #open} and after {@link #close}
   */
  public Database database() {
    Database open = database;
    if (open == null) {
      throw new IllegalStateException("database `" + file + "` is not open");
    }
    return open;
  }

  /** Writes to it that wait while the disk takes none; the same holds for them. */
  public LateWrites late() {
    LateWrites open = late;
    if (open == null) {
      throw new IllegalStateException("database `" + file + "` is not open");
    }
    return open;
  }

  /** A small value that this service noted, or null. */
  public @Nullable String value(String key) {
    return database()
        .read(connection -> {
          try (var query = connection.prepareStatement("SELECT value FROM meta WHERE key = ?")) {
            query.setString(1, key);
            var rows = query.executeQuery();
            return rows.next() ? rows.getString(1) : null;
          }
        });
  }

  /** Notes a small value; a power cut may take it back, the end of a process does not. */
  public void setValue(String key, String value) {
    database()
        .lazy(connection -> {
          try (var insert =
              connection.prepareStatement(
                  "INSERT INTO meta VALUES (?, ?)"
                      + " ON CONFLICT (key) DO UPDATE SET value = excluded.value")) {
            insert.setString(1, key);
            insert.setString(2, value);
            return insert.executeUpdate();
          }
        });
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
