package io.berth.image;

import io.berth.base.id.Digest;
import io.berth.image.api.StoreEventMessages;
import io.berth.image.content.ContentStore;
import io.berth.image.content.Ingest;
import io.berth.image.content.IngestStore;
import io.berth.image.disk.ImagePaths;
import io.berth.image.disk.TrashBin;
import io.berth.image.lease.Leases;
import io.berth.image.meta.Metadata;
import io.berth.image.name.ImageNames;
import io.berth.image.snapshot.Snapshots;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Map;

/** The stores in a folder, without a server. */
public final class Stores implements AutoCloseable {
  public final ImagePaths paths;
  public final Metadata metadata;
  public final TrashBin trash;
  public final Leases leases;
  public final ContentStore content;
  public final IngestStore ingests;
  public final Snapshots snapshots;
  public final ImageNames names;

  public Stores(Path root) throws IOException {
    this(root, InstantSource.system());
  }

  public Stores(Path root, InstantSource clock) throws IOException {
    paths = new ImagePaths(root);
    metadata = new Metadata(paths, new StoreEventMessages(), clock);
    trash = new TrashBin(paths);
    leases = new Leases(metadata);
    content = new ContentStore(paths, metadata, trash);
    ingests = new IngestStore(paths, metadata, trash, content);
    snapshots = new Snapshots(paths, metadata, trash);
    names = new ImageNames(metadata);
    metadata.start();
    trash.start();
    content.start();
    ingests.start();
    snapshots.start();
  }

  /** Stores a text. */
  public Digest put(String namespace, String lease, String text, Map<String, String> labels) {
    return ingests.put(
        Ingest.Request.of(namespace, lease.isEmpty() ? null : lease, "put-" + text.hashCode()),
        text.getBytes(StandardCharsets.UTF_8),
        labels,
        Metadata.Durability.LAZY);
  }

  @Override
  public void close() {
    trash.close();
    metadata.close();
  }
}
