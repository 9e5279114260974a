package io.berth.image.library;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.berth.base.error.BerthException;
import io.berth.base.id.Digest;
import io.berth.image.content.ContentStore;
import io.berth.oci.image.Descriptor;
import io.berth.oci.image.ImageConfig;
import io.berth.oci.image.Index;
import io.berth.oci.image.Manifest;
import io.berth.oci.image.MediaTypes;
import io.berth.oci.image.Platform;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads documents of the content store and remembers them by their digests. A digest names its
 * content, so nothing that is remembered becomes wrong. Thread-safe.
 */
@Singleton
public final class Documents {
  /** The largest document that is read. */
  public static final long MAX_BYTES = 8L << 20;

  /** How deep indexes may be nested. Honest images nest them once; the bound ends a circle. */
  public static final int DEPTH = 4;

  private record Key(String namespace, String digest) {}

  private final ContentStore content;
  private final Cache<Key, Index> indexes = Caffeine.newBuilder().maximumSize(256).build();
  private final Cache<Key, Manifest> manifests = Caffeine.newBuilder().maximumSize(1024).build();
  private final Cache<Key, ImageConfig> configs = Caffeine.newBuilder().maximumSize(1024).build();

  @Inject
  public Documents(ContentStore content) {
    this.content = content;
  }

  /** NOT_FOUND without the content, INVALID_ARGUMENT when it is no index. */
  public Index index(String namespace, String digest) {
    return indexes.get(
        new Key(namespace, digest), _ -> Index.read(read(namespace, digest), "index " + digest));
  }

  /** NOT_FOUND without the content, INVALID_ARGUMENT when it is no manifest. */
  public Manifest manifest(String namespace, String digest) {
    return manifests.get(
        new Key(namespace, digest),
        _ -> Manifest.read(read(namespace, digest), "manifest " + digest));
  }

  /** NOT_FOUND without the content, INVALID_ARGUMENT when it is no configuration. */
  public ImageConfig config(String namespace, String digest) {
    return configs.get(
        new Key(namespace, digest),
        _ -> ImageConfig.read(read(namespace, digest), "image configuration " + digest));
  }

  private byte[] read(String namespace, String digest) {
    return content.readAll(namespace, Digest.of(digest), MAX_BYTES);
  }

  /** Forgets the documents of a namespace. */
  public void forget(String namespace) {
    indexes.asMap().keySet().removeIf(key -> key.namespace.equals(namespace));
    manifests.asMap().keySet().removeIf(key -> key.namespace.equals(namespace));
    configs.asMap().keySet().removeIf(key -> key.namespace.equals(namespace));
  }

  /**
   * The manifest for a platform that a target leads to.
   *
   * @param platform null for this machine's, or any other where that is not here
   * @return empty if it is for other platforms only, or its manifest is not here
   */
  public Optional<Descriptor> manifestOf(
      String namespace, Descriptor target, @Nullable Platform platform) {
    Descriptor at = target;
    for (int depth = 0; depth < DEPTH; depth++) {
      if (!isIndex(namespace, at)) {
        return Optional.of(at);
      }
      List<Descriptor> present =
          index(namespace, at.digest()).manifests().stream()
              .filter(child -> isPresent(namespace, child))
              .toList();
      Optional<Descriptor> chosen =
          (platform == null ? Platform.host() : platform)
              .choose(present, child -> platformOf(namespace, child));
      if (platform == null && chosen.isEmpty()) {
        chosen = present.stream().findFirst();
      }
      if (chosen.isEmpty()) {
        return Optional.empty();
      }
      at = chosen.get();
    }
    throw new BerthException.InvalidArgument(
        "index " + target.digest() + ": indexes are nested too deep");
  }

  /**
   * Whether a descriptor is of an index: its media type says so, or its content where a client left
   * the type out.
   */
  private boolean isIndex(String namespace, Descriptor descriptor) {
    if (MediaTypes.isIndex(descriptor.mediaType())) {
      return true;
    }
    if (MediaTypes.isManifest(descriptor.mediaType())) {
      return false;
    }
    return !index(namespace, descriptor.digest()).manifests().isEmpty();
  }

  private boolean isPresent(String namespace, Descriptor child) {
    boolean attestation = child.annotations().containsKey("vnd.docker.reference.type");
    return !attestation && content.find(namespace, child.checked()) != null;
  }

  private Platform platformOf(String namespace, Descriptor child) {
    if (child.platform() != null) {
      return child.platform();
    }
    if (isIndex(namespace, child)) {
      return new Platform("linux", "", "");
    }
    String config = manifest(namespace, child.digest()).config().digest();
    return content.find(namespace, Digest.of(config)) == null
        ? new Platform("linux", "", "")
        : config(namespace, config).platform();
  }
}
