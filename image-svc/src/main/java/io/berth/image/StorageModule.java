package io.berth.image;

import dagger.Module;
import dagger.Provides;
import io.berth.base.config.Config;
import io.berth.image.api.EventMessages;
import io.berth.image.content.ContentStore;
import io.berth.image.disk.ImagePaths;
import io.berth.image.disk.TrashBin;
import io.berth.image.event.EventCodec;
import io.berth.image.lease.Leases;
import io.berth.image.meta.Metadata;
import io.berth.image.meta.Outbox;
import io.berth.image.meta.Settlement;
import io.berth.image.name.ImageNames;
import io.berth.image.snapshot.Snapshots;
import jakarta.inject.Singleton;
import java.time.InstantSource;

/** What is stored. */
@Module
final class StorageModule {
  private StorageModule() {}

  @Provides
  @Singleton
  static ImagePaths paths(Config config) {
    return new ImagePaths(config.root());
  }

  @Provides
  static EventCodec eventCodec() {
    return new EventMessages();
  }

  @Provides
  @Singleton
  static Metadata metadata(ImagePaths paths, EventCodec codec, InstantSource clock) {
    return new Metadata(paths, codec, clock);
  }

  @Provides
  @Singleton
  static Settlement settlement(ImagePaths paths, Metadata metadata) {
    return new Settlement(paths, metadata);
  }

  @Provides
  @Singleton
  static Outbox outbox(Metadata metadata) {
    return new Outbox(metadata);
  }

  @Provides
  @Singleton
  static TrashBin trash(ImagePaths paths) {
    return new TrashBin(paths);
  }

  @Provides
  @Singleton
  static Leases leases(Metadata metadata) {
    return new Leases(metadata);
  }

  @Provides
  @Singleton
  static ContentStore content(ImagePaths paths, Metadata metadata, TrashBin trash) {
    return new ContentStore(paths, metadata, trash);
  }

  @Provides
  @Singleton
  static Snapshots snapshots(ImagePaths paths, Metadata metadata, TrashBin trash) {
    return new Snapshots(paths, metadata, trash);
  }

  @Provides
  @Singleton
  static ImageNames names(Metadata metadata) {
    return new ImageNames(metadata);
  }
}
