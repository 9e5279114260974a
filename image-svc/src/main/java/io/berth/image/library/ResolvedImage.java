package io.berth.image.library;

import io.berth.oci.image.ChainId;
import io.berth.oci.image.Descriptor;
import io.berth.oci.image.ImageConfig;
import io.berth.oci.image.Manifest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * An image for one platform.
 *
 * @param names all that lead to it, full ones
 * @param target what the names point at: a manifest or an index
 * @param manifestDescriptor of the manifest
 * @param tagged when the newest of its names was recorded
 */
public record ResolvedImage(
    List<String> names,
    Descriptor target,
    Descriptor manifestDescriptor,
    Manifest manifest,
    ImageConfig config,
    Instant tagged) {
  public ResolvedImage {
    names = List.copyOf(names);
  }

  /** The same, with one of its names before the others. */
  public ResolvedImage under(String name) {
    if (!names.contains(name)) {
      return this;
    }
    List<String> ordered = new ArrayList<>(names);
    ordered.remove(name);
    ordered.addFirst(name);
    return new ResolvedImage(ordered, target, manifestDescriptor, manifest, config, tagged);
  }

  /** The image's id: the digest of its configuration. */
  public String id() {
    return manifest.config().digest();
  }

  /** The names of the stacks of its layers, the lowest first. */
  public List<String> chain() {
    return ChainId.all(config.rootfs().diffIds());
  }

  /** The name of the whole stack; empty for an image without layers. */
  public String chainId() {
    return ChainId.of(config.rootfs().diffIds());
  }

  /** The bytes of its layers as they are stored. */
  public long compressedSize() {
    return manifest.config().size() + manifest.layers().stream().mapToLong(Descriptor::size).sum();
  }
}
