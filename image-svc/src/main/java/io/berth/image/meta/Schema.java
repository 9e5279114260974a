package io.berth.image.meta;

import java.util.List;

/**
 * The tables. Scripts are only ever appended. Times are nanoseconds since 1970, labels JSON
 * objects.
 */
final class Schema {
  static final List<String> MIGRATIONS =
      List.of(
          """
          CREATE TABLE content (
            namespace TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL, created INTEGER NOT NULL,
            updated INTEGER NOT NULL, labels TEXT NOT NULL, boot TEXT, PRIMARY KEY (namespace, digest)) WITHOUT ROWID;
          CREATE INDEX content_by_digest ON content (digest);
          CREATE TABLE ingest (
            namespace TEXT NOT NULL, ref TEXT NOT NULL, id INTEGER NOT NULL UNIQUE, started INTEGER NOT NULL,
            total INTEGER NOT NULL, expected TEXT NOT NULL, expires INTEGER NOT NULL, PRIMARY KEY (namespace, ref)) WITHOUT ROWID;
          CREATE TABLE image (
            namespace TEXT NOT NULL, name TEXT NOT NULL, labels TEXT NOT NULL, media_type TEXT NOT NULL, digest TEXT NOT NULL,
            size INTEGER NOT NULL, annotations TEXT NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL, boot TEXT,
            PRIMARY KEY (namespace, name)) WITHOUT ROWID;
          CREATE TABLE snapshot (
            namespace TEXT NOT NULL, snapshotter TEXT NOT NULL, key TEXT NOT NULL, id INTEGER NOT NULL UNIQUE, parent TEXT NOT NULL,
            kind INTEGER NOT NULL, labels TEXT NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL,
            bytes INTEGER NOT NULL, inodes INTEGER NOT NULL, boot TEXT, PRIMARY KEY (namespace, snapshotter, key)) WITHOUT ROWID;
          CREATE INDEX snapshot_by_parent ON snapshot (namespace, snapshotter, parent);
          CREATE TABLE lease (
            namespace TEXT NOT NULL, id TEXT NOT NULL, created INTEGER NOT NULL, labels TEXT NOT NULL,
            PRIMARY KEY (namespace, id)) WITHOUT ROWID;
          CREATE TABLE lease_resource (
            namespace TEXT NOT NULL, lease TEXT NOT NULL, type TEXT NOT NULL, id TEXT NOT NULL,
            PRIMARY KEY (namespace, lease, type, id)) WITHOUT ROWID;
          CREATE TABLE outbox (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, namespace TEXT NOT NULL, topic TEXT NOT NULL,
            type_url TEXT NOT NULL, value BLOB NOT NULL);
          CREATE TABLE volume (
            name TEXT NOT NULL PRIMARY KEY, labels TEXT NOT NULL, created INTEGER NOT NULL, anonymous INTEGER NOT NULL) WITHOUT ROWID;
          """,
          """
          ALTER TABLE volume ADD COLUMN options TEXT NOT NULL DEFAULT '{}';
          """,
          """
          CREATE TABLE removed_volume (name TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID;
          """);

  private Schema() {}
}
