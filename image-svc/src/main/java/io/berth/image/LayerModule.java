package io.berth.image;

import dagger.Module;
import dagger.Provides;
import io.berth.base.config.Config;
import io.berth.base.config.Key;
import io.berth.image.api.ContainersOfNamespaces;
import io.berth.image.api.VolumeUsers;
import io.berth.image.archive.ArchiveLoader;
import io.berth.image.archive.ArchiveSaver;
import io.berth.image.build.ImageBuilder;
import io.berth.image.content.ContentStore;
import io.berth.image.diff.LayerReader;
import io.berth.image.diff.LayerWriter;
import io.berth.image.disk.ImagePaths;
import io.berth.image.disk.TrashBin;
import io.berth.image.lease.Leases;
import io.berth.image.library.Documents;
import io.berth.image.library.ImageLibrary;
import io.berth.image.library.InitLayer;
import io.berth.image.library.Tagging;
import io.berth.image.library.Unpacker;
import io.berth.image.library.Users;
import io.berth.image.library.Verification;
import io.berth.image.meta.Metadata;
import io.berth.image.meta.Settlement;
import io.berth.image.name.ImageNames;
import io.berth.image.registry.RegistryTransfer;
import io.berth.image.rootfs.Rootfs;
import io.berth.image.rootfs.RootfsFiles;
import io.berth.image.snapshot.Snapshots;
import io.berth.image.unpack.LayerApplier;
import io.berth.image.unpack.LayerLimits;
import io.berth.image.unpack.LayerThreads;
import io.berth.image.volume.VolumeFilling;
import io.berth.image.volume.Volumes;
import jakarta.inject.Singleton;

/** Layers and images. */
@Module
final class LayerModule {
  private LayerModule() {}

  @Provides
  @Singleton
  static LayerApplier applier(Config config) {
    return new LayerApplier(
        new LayerLimits(
            config.number(Key.IMAGE_MAX_LAYER_ENTRIES),
            config.number(Key.IMAGE_MAX_IMAGE_BYTES),
            config.number(Key.IMAGE_MAX_EXPANSION)));
  }

  @Provides
  @Singleton
  static LayerThreads threads() {
    return new LayerThreads(Math.max(2, Runtime.getRuntime().availableProcessors()));
  }

  @Provides
  @Singleton
  static LayerReader reader(ContentStore content, LayerApplier applier, LayerThreads threads) {
    return new LayerReader(content, applier, threads);
  }

  @Provides
  @Singleton
  static Documents documents(ContentStore content) {
    return new Documents(content);
  }

  @Provides
  @Singleton
  static ImageLibrary library(ImageNames names, Documents documents, Snapshots snapshots) {
    return new ImageLibrary(names, documents, snapshots);
  }

  @Provides
  @Singleton
  static Unpacker unpacker(
      ImagePaths paths,
      ContentStore content,
      Snapshots snapshots,
      TrashBin trash,
      LayerApplier applier,
      LayerThreads threads) {
    return new Unpacker(paths, content, snapshots, trash, applier, threads);
  }

  @Provides
  @Singleton
  static ArchiveLoader loader(
      ContentStore content,
      Documents documents,
      ImageNames names,
      Unpacker unpacker,
      Leases leases,
      Settlement settlement) {
    return new ArchiveLoader(content, documents, names, unpacker, leases, settlement);
  }

  @Provides
  @Singleton
  static InitLayer initLayer(
      Unpacker unpacker, Snapshots snapshots, ContentStore content, Leases leases) {
    return new InitLayer(unpacker, snapshots, content, leases);
  }

  @Provides
  @Singleton
  static Rootfs rootfs(
      ImageLibrary library,
      Unpacker unpacker,
      InitLayer init,
      Snapshots snapshots,
      Leases leases,
      Metadata metadata,
      Settlement settlement) {
    return new Rootfs(library, unpacker, init, snapshots, leases, metadata, settlement);
  }

  @Provides
  @Singleton
  static LayerWriter writer(ContentStore content, LayerThreads threads) {
    return new LayerWriter(content, threads);
  }

  @Provides
  static ImageBuilder.Stores builderStores(
      ContentStore content,
      Snapshots snapshots,
      ImageNames names,
      Leases leases,
      Settlement settlement) {
    return new ImageBuilder.Stores(content, snapshots, names, leases, settlement);
  }

  @Provides
  @Singleton
  static ImageBuilder builder(
      ImageBuilder.Stores stores, ImageLibrary library, Unpacker unpacker, LayerWriter writer) {
    return new ImageBuilder(stores, library, unpacker, writer);
  }

  @Provides
  @Singleton
  static ArchiveSaver saver(ContentStore content, ImageLibrary library) {
    return new ArchiveSaver(content, library);
  }

  @Provides
  @Singleton
  static Users users(ContainersOfNamespaces containers, Snapshots snapshots) {
    return new Users(containers, snapshots);
  }

  @Provides
  @Singleton
  static Tagging tagging(ImageLibrary library, ImageNames names, Users users) {
    return new Tagging(library, names, users);
  }

  @Provides
  @Singleton
  static Verification verification(
      ContentStore content, ImageLibrary library, Snapshots snapshots) {
    return new Verification(content, library, snapshots);
  }

  @Provides
  @Singleton
  static RootfsFiles rootfsFiles(Snapshots snapshots, ImagePaths paths, Config config) {
    return new RootfsFiles(snapshots, paths.stage(), config.overlays());
  }

  @Provides
  @Singleton
  static Volumes volumes(
      ImagePaths paths, Metadata metadata, TrashBin trash, ContainersOfNamespaces containers) {
    return new Volumes(paths, metadata, trash, new VolumeUsers(containers, paths.volumes()));
  }

  @Provides
  @Singleton
  static VolumeFilling filling(ImagePaths paths, TrashBin trash) {
    return new VolumeFilling(paths, trash);
  }

  @Provides
  @Singleton
  static RegistryTransfer transfer(
      RegistryTransfer.Stores stores,
      ImageLibrary library,
      Documents documents,
      Unpacker unpacker,
      Config config) {
    return new RegistryTransfer(
        stores,
        library,
        documents,
        unpacker,
        new RegistryTransfer.Limits(
            Math.toIntExact(config.number(Key.IMAGE_PARALLEL_LAYERS)),
            config.number(Key.IMAGE_MAX_IMAGE_BYTES)));
  }

  @Provides
  static RegistryTransfer.Stores transferStores(
      ContentStore content, ImageNames names, Leases leases, Settlement settlement) {
    return new RegistryTransfer.Stores(content, names, leases, settlement);
  }

  @Provides
  static ImageDaemon.Stores stores(
      Metadata metadata,
      TrashBin trash,
      ContentStore content,
      Snapshots snapshots,
      Unpacker unpacker,
      VolumeFilling filling,
      Settlement settlement) {
    return new ImageDaemon.Stores(
        metadata, trash, content, snapshots, unpacker, filling, settlement);
  }
}
