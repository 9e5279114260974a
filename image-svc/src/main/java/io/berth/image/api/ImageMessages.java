package io.berth.image.api;

import io.berth.api.berth.container.v1.Healthcheck;
import io.berth.api.berth.container.v1.ImageConfig;
import io.berth.api.berth.container.v1.User;
import io.berth.api.berth.image.v1.Image;
import io.berth.api.berth.image.v1.Platform;
import io.berth.base.error.BerthException;
import io.berth.base.rpc.Timestamps;
import io.berth.image.library.ImageLibrary;
import io.berth.image.library.ResolvedImage;
import io.berth.image.rootfs.ContainerUser;
import io.berth.oci.image.ImageReference;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Translates images to the messages of our own services. */
@Singleton
final class ImageMessages {
  private final ImageLibrary library;

  @Inject
  ImageMessages(ImageLibrary library) {
    this.library = library;
  }

  Image message(String namespace, String snapshotter, ResolvedImage image) {
    io.berth.oci.image.Platform platform = image.config().platform();
    Image.Builder message =
        Image.newBuilder()
            .setId(image.id())
            .setTarget(Wire.descriptor(image.target()))
            .setSize(library.size(namespace, snapshotter, image))
            .setConfig(config(image))
            .setChainId(image.chainId())
            .addAllDiffIds(image.config().rootfs().diffIds())
            .setPlatform(
                Platform.newBuilder()
                    .setOs(platform.os())
                    .setArchitecture(platform.architecture())
                    .setVariant(platform.variant()))
            .setAuthor(orEmpty(image.config().author()))
            .setComment(orEmpty(image.config().comment()))
            .setCompressedSize(image.compressedSize())
            .setTaggedAt(Timestamps.of(image.tagged()));
    Instant created = image.config().createdAt();
    if (created != null) {
      message.setCreatedAt(Timestamps.of(created));
    }
    for (String name : image.names()) {
      ImageReference reference = reference(name);
      if (reference == null) {
        continue;
      }
      if (reference.digest() == null) {
        message.addNames(name);
      }
      String digest = reference.repository() + "@" + image.target().digest();
      if (!message.getRepoDigestsList().contains(digest)) {
        message.addRepoDigests(digest);
      }
    }
    return message.build();
  }

  /** The reference that a name is; null for a name that is the image's id. */
  private static @Nullable ImageReference reference(String name) {
    if (name.startsWith("sha256:")) {
      return null;
    }
    try {
      return ImageReference.of(name);
    } catch (BerthException.InvalidArgument e) {
      return null;
    }
  }

  private static ImageConfig config(ResolvedImage image) {
    var process = image.config().config();
    ImageConfig.Builder config = ImageConfig.newBuilder();
    var health = process.healthcheck();
    if (health != null) {
      config.setHealth(
          Healthcheck.newBuilder()
              .addAllTest(health.test())
              .setInterval(health.interval())
              .setTimeout(health.timeout())
              .setStartPeriod(health.startPeriod())
              .setRetries(health.retries()));
    }
    return config
        .addAllEnv(process.env())
        .addAllCmd(process.cmd())
        .addAllEntrypoint(process.entrypoint())
        .setUser(orEmpty(process.user()))
        .setWorkingDir(orEmpty(process.workingDir()))
        .setStopSignal(orEmpty(process.stopSignal()))
        .putAllLabels(process.labels())
        .addAllExposedPorts(process.exposedPorts().keySet())
        .addAllVolumes(process.volumes().keySet())
        .setId(image.id())
        .setPlatform(image.config().platform().toString())
        .build();
  }

  static User user(ContainerUser user) {
    return User.newBuilder()
        .setUid(user.uid())
        .setGid(user.gid())
        .addAllGroups(user.groups())
        .setHome(user.home())
        .build();
  }

  static io.berth.oci.image.@Nullable Platform platform(String text) {
    return text.isEmpty() ? null : io.berth.oci.image.Platform.of(text);
  }

  private static String orEmpty(@Nullable String text) {
    return text == null ? "" : text;
  }
}
