package io.berth.image;

import dagger.Binds;
import dagger.Module;
import dagger.Provides;
import io.berth.base.config.Config;
import io.berth.base.config.Key;
import io.berth.image.api.ContainersOfNamespaces;
import io.berth.image.api.StoreEventMessages;
import io.berth.image.api.VolumeUsers;
import io.berth.image.disk.ImagePaths;
import io.berth.image.event.EventCodec;
import io.berth.image.gc.ContainerRoots;
import io.berth.image.registry.ProxyRules;
import io.berth.image.registry.RegistryHosts;
import io.berth.image.registry.RegistryTransfer;
import io.berth.image.unpack.LayerLimits;
import io.berth.image.unpack.LayerThreads;
import io.berth.image.volume.VolumeStore;
import jakarta.inject.Singleton;
import java.time.Duration;

/**
 * What constructors cannot say: which class stands behind an interface of the domain, and values
 * that are read from the configuration. Everything else is made by its constructor.
 */
@Module
interface ImageModule {
  @Binds
  EventCodec events(StoreEventMessages messages);

  @Binds
  ContainerRoots containers(ContainersOfNamespaces containers);

  @Binds
  VolumeStore.Usage volumeUsers(VolumeUsers users);

  @Provides
  static ImagePaths paths(Config config) {
    return new ImagePaths(config.root());
  }

  @Provides
  static LayerLimits limits(Config config) {
    return new LayerLimits(
        config.number(Key.IMAGE_MAX_LAYER_ENTRIES),
        config.number(Key.IMAGE_MAX_IMAGE_BYTES),
        config.number(Key.IMAGE_MAX_EXPANSION));
  }

  /** One layer for each processor is unpacked or packed at a time, but never one alone. */
  @Provides
  @Singleton
  static LayerThreads threads() {
    return new LayerThreads(Math.max(2, Runtime.getRuntime().availableProcessors()));
  }

  @Provides
  static RegistryTransfer.Limits transferLimits(Config config) {
    return new RegistryTransfer.Limits(
        Math.toIntExact(config.number(Key.IMAGE_PARALLEL_LAYERS)),
        config.number(Key.IMAGE_MAX_IMAGE_BYTES),
        Duration.ofSeconds(Math.max(1, config.number(Key.IMAGE_REGISTRY_SILENCE))));
  }

  @Provides
  static RegistryHosts registries(Config config) {
    return new RegistryHosts(
        config.texts(Key.IMAGE_INSECURE_REGISTRIES),
        config.path(Key.IMAGE_REGISTRIES),
        ProxyRules.of(System.getenv()));
  }
}
