package io.berth.image;

import dagger.Module;
import dagger.Provides;
import dagger.multibindings.IntoSet;
import io.berth.base.config.Config;
import io.berth.base.config.Key;
import io.berth.image.api.ContainersOfNamespaces;
import io.berth.image.api.ContentEndpoint;
import io.berth.image.api.DiffEndpoint;
import io.berth.image.api.ImagesEndpoint;
import io.berth.image.api.LeasesEndpoint;
import io.berth.image.api.LibraryEndpoint;
import io.berth.image.api.LibraryParts;
import io.berth.image.api.OutboxEndpoint;
import io.berth.image.api.RootfsEndpoint;
import io.berth.image.api.SnapshotsEndpoint;
import io.berth.image.api.VolumesEndpoint;
import io.berth.image.archive.ArchiveLoader;
import io.berth.image.archive.ArchiveSaver;
import io.berth.image.build.ImageBuilder;
import io.berth.image.content.ContentStore;
import io.berth.image.diff.LayerReader;
import io.berth.image.diff.LayerWriter;
import io.berth.image.gc.Collector;
import io.berth.image.gc.Schedule;
import io.berth.image.lease.Leases;
import io.berth.image.library.ImageLibrary;
import io.berth.image.library.Tagging;
import io.berth.image.library.Users;
import io.berth.image.library.Verification;
import io.berth.image.meta.Metadata;
import io.berth.image.meta.Outbox;
import io.berth.image.meta.Settlement;
import io.berth.image.name.ImageNames;
import io.berth.image.registry.RegistryHosts;
import io.berth.image.registry.RegistryTransfer;
import io.berth.image.rootfs.Rootfs;
import io.berth.image.rootfs.RootfsFiles;
import io.berth.image.snapshot.Snapshots;
import io.berth.image.volume.VolumeFilling;
import io.berth.image.volume.Volumes;
import io.grpc.BindableService;
import jakarta.inject.Singleton;
import java.time.Duration;

/** What is served. */
@Module
final class EndpointModule {
  private EndpointModule() {}

  @Provides
  static LibraryEndpoint.Settings settings(Config config) {
    return new LibraryEndpoint.Settings(
        config.text(Key.IMAGE_SNAPSHOTTER),
        config.number(Key.IMAGE_MAX_IMAGE_BYTES),
        new RegistryHosts(
            config.texts(Key.IMAGE_INSECURE_REGISTRIES), config.path(Key.IMAGE_REGISTRIES)));
  }

  @Provides
  @Singleton
  static ContainersOfNamespaces containers(Config config) {
    return new ContainersOfNamespaces(config.socket("containerd"));
  }

  @Provides
  @Singleton
  static Schedule schedule(
      Metadata metadata,
      Leases leases,
      ContentStore content,
      Snapshots snapshots,
      ContainersOfNamespaces containers,
      Config config) {
    return new Schedule(
        new Collector(metadata, leases, content, snapshots, containers),
        Duration.ofSeconds(config.number(Key.IMAGE_GC_INTERVAL)));
  }

  @Provides
  static ImagesEndpoint.Collection collection(Schedule schedule) {
    return wait -> {
      if (wait) {
        schedule.collectNow();
      } else {
        schedule.ask();
      }
    };
  }

  @Provides
  @IntoSet
  static BindableService content(ContentStore content) {
    return new ContentEndpoint(content);
  }

  @Provides
  @IntoSet
  static BindableService images(ImageNames names, ImagesEndpoint.Collection collection) {
    return new ImagesEndpoint(names, collection);
  }

  @Provides
  @IntoSet
  static BindableService snapshots(
      Snapshots snapshots, Settlement settlement, ImagesEndpoint.Collection collection) {
    return new SnapshotsEndpoint(snapshots, settlement, collection);
  }

  @Provides
  @IntoSet
  static BindableService diff(LayerReader reader, LayerWriter writer) {
    return new DiffEndpoint(reader, writer);
  }

  @Provides
  @IntoSet
  static BindableService leases(Leases leases, ImagesEndpoint.Collection collection) {
    return new LeasesEndpoint(leases, collection);
  }

  @Provides
  @IntoSet
  static BindableService outbox(Outbox outbox) {
    return new OutboxEndpoint(outbox);
  }

  @Provides
  static LibraryParts libraryParts(
      ImageLibrary library,
      Tagging tagging,
      ArchiveLoader loader,
      ArchiveSaver saver,
      ImageBuilder builder,
      Verification verification,
      RegistryTransfer transfer,
      Users users,
      ContentStore content,
      Snapshots snapshots) {
    return new LibraryParts(
        library,
        tagging,
        loader,
        saver,
        builder,
        verification,
        transfer,
        users,
        content,
        snapshots);
  }

  @Provides
  @IntoSet
  static BindableService library(
      LibraryParts parts, LibraryEndpoint.Settings settings, ImagesEndpoint.Collection collection) {
    return new LibraryEndpoint(parts, settings, collection);
  }

  @Provides
  @IntoSet
  static BindableService rootfs(
      Rootfs rootfs, RootfsFiles files, ImageLibrary library, LibraryEndpoint.Settings settings) {
    return new RootfsEndpoint(rootfs, files, library, settings);
  }

  @Provides
  @IntoSet
  static BindableService volumes(
      Volumes volumes, VolumeFilling filling, RootfsFiles files, Config config) {
    return new VolumesEndpoint(volumes, filling, files, config.text(Key.IMAGE_SNAPSHOTTER));
  }
}
