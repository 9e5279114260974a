package io.berth.image.library;

import io.berth.base.error.BerthException;
import io.berth.base.error.Obstacle;
import io.berth.base.filter.Filter;
import io.berth.image.name.ImageNames;
import io.berth.image.name.NamedImage;
import io.berth.image.snapshot.SnapshotInfo;
import io.berth.image.snapshot.Snapshots;
import io.berth.oci.image.Descriptor;
import io.berth.oci.image.ImageReference;
import io.berth.oci.image.Platform;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Finds images by what people type. Thread-safe. */
@Singleton
public final class ImageLibrary {
  private static final Pattern ID_PREFIX = Pattern.compile("[0-9a-f]{4,64}");
  private static final String SHA256 = "sha256:";

  private final ImageNames names;
  private final Documents documents;
  private final Snapshots snapshots;

  @Inject
  public ImageLibrary(ImageNames names, Documents documents, Snapshots snapshots) {
    this.names = names;
    this.documents = documents;
    this.snapshots = snapshots;
  }

  /**
   * Finds an image.
   *
   * @param text short or full name, {@code name@digest}, id, or at least four digits of one
   * @param platform null for this machine's, or any other where that is not here
   * @throws BerthException NOT_FOUND; INVALID_ARGUMENT for a prefix that fits several, or what is
   *     no name
   */
  public ResolvedImage resolve(String namespace, String text, @Nullable Platform platform) {
    NamedImage named = findName(namespace, text);
    if (named != null) {
      return resolve(namespace, named, platform);
    }
    return byId(namespace, text, platform);
  }

  /** The record that a name means; null if it is an id, or there is none. */
  public @Nullable NamedImage findName(String namespace, String text) {
    NamedImage exact = names.find(namespace, text);
    if (exact != null || text.startsWith(SHA256) || text.matches("[0-9a-f]{64}")) {
      return exact;
    }
    ImageReference reference = reference(text);
    if (reference == null) {
      return null;
    }
    NamedImage full = names.find(namespace, reference.toString());
    if (full != null || reference.digest() == null) {
      return full;
    }
    return byDigest(namespace, reference);
  }

  private @Nullable NamedImage byDigest(String namespace, ImageReference reference) {
    String digest = String.valueOf(reference.digest());
    for (NamedImage candidate : names.list(namespace, Filter.of(List.of()))) {
      ImageReference name = reference(candidate.name());
      boolean points = candidate.target().digest().equals(digest);
      if (points && name != null && name.repository().equals(reference.repository())) {
        return candidate;
      }
    }
    return null;
  }

  private static @Nullable ImageReference reference(String text) {
    try {
      return ImageReference.of(text);
    } catch (BerthException.InvalidArgument e) {
      if (ID_PREFIX.matcher(text).matches()) {
        return null;
      }
      throw e;
    }
  }

  private ResolvedImage byId(String namespace, String text, @Nullable Platform platform) {
    String digits = text.startsWith(SHA256) ? text.substring(SHA256.length()) : text;
    if (!ID_PREFIX.matcher(digits).matches()) {
      throw missing(text);
    }
    Map<String, ResolvedImage> found = new LinkedHashMap<>();
    for (ResolvedImage image : list(namespace, platform)) {
      boolean fits =
          image.id().startsWith(SHA256 + digits)
              || image.target().digest().startsWith(SHA256 + digits)
              || image.manifestDescriptor().digest().startsWith(SHA256 + digits);
      if (fits) {
        found.put(image.id(), image);
      }
    }
    if (found.size() > 1) {
      throw new BerthException.InvalidArgument(
          "image `"
              + text
              + "`: "
              + found.size()
              + " images begin with these digits; type more of them");
    }
    return found.values().stream().findFirst().orElseThrow(() -> missing(text));
  }

  private static BerthException missing(String text) {
    String shown = text.length() <= 200 ? text : text.substring(0, 200) + "...";
    return new BerthException.NotFound("No such image: " + shown).with(notHere(shown));
  }

  private static Obstacle notHere(String name) {
    return Obstacle.of(Obstacle.Reason.IMAGE_NOT_FOUND, Obstacle.Kind.IMAGE, name);
  }

  private ResolvedImage resolve(String namespace, NamedImage named, @Nullable Platform platform) {
    ResolvedImage image =
        read(namespace, List.of(named), platform)
            .orElseThrow(() ->
                new BerthException.NotFound(
                        "image `"
                            + named.name()
                            + "` is not here for platform "
                            + platform
                            + "; pull it for that platform")
                    .with(notHere(named.name())));
    return new ResolvedImage(
        namesOf(namespace, named.target().digest()),
        image.target(),
        image.manifestDescriptor(),
        image.manifest(),
        image.config(),
        image.tagged());
  }

  private List<String> namesOf(String namespace, String digest) {
    return names.list(namespace, Filter.of(List.of("target.digest==" + digest))).stream()
        .map(NamedImage::name)
        .toList();
  }

  private Optional<ResolvedImage> read(
      String namespace, List<NamedImage> named, @Nullable Platform platform) {
    Descriptor target = named.getFirst().target();
    return documents
        .manifestOf(namespace, target, platform)
        .map(descriptor -> {
          var manifest = documents.manifest(namespace, descriptor.digest());
          return new ResolvedImage(
              named.stream().map(NamedImage::name).toList(),
              target,
              descriptor,
              manifest,
              documents.config(namespace, manifest.config().digest()),
              named.stream()
                  .map(NamedImage::updated)
                  .max(Comparator.naturalOrder())
                  .orElse(Instant.EPOCH));
        })
        .filter(image -> platform == null || platform.runs(image.config().platform()));
  }

  /**
   * All images, each once with all its names, the newest first. What cannot be read is left out.
   *
   * @param platform null for this machine's, or any other where that is not here
   */
  public List<ResolvedImage> list(String namespace, @Nullable Platform platform) {
    Map<String, List<NamedImage>> byTarget = new LinkedHashMap<>();
    for (NamedImage image : names.list(namespace, Filter.of(List.of()))) {
      byTarget.computeIfAbsent(image.target().digest(), _ -> new ArrayList<>()).add(image);
    }
    List<ResolvedImage> result = new ArrayList<>();
    for (List<NamedImage> named : byTarget.values()) {
      readable(namespace, named, platform).ifPresent(result::add);
    }
    result.sort(Comparator.comparing(ImageLibrary::createdOf).reversed());
    return result;
  }

  /** Names may lead to content that is incomplete, damaged, or no image at all. */
  private Optional<ResolvedImage> readable(
      String namespace, List<NamedImage> named, @Nullable Platform platform) {
    try {
      return read(namespace, named, platform);
    } catch (BerthException.NotFound | BerthException.InvalidArgument | BerthException.DataLoss e) {
      return Optional.empty();
    }
  }

  private static Instant createdOf(ResolvedImage image) {
    Instant created = image.config().createdAt();
    return created == null ? Instant.EPOCH : created;
  }

  /** Bytes of an image's unpacked layers; of those packed where they are not unpacked. */
  public long size(String namespace, String snapshotter, ResolvedImage image) {
    return layerSizes(namespace, snapshotter, image).values().stream()
        .mapToLong(Long::longValue)
        .sum();
  }

  /** The same of each of them, by its chain id: an image that shares a layer has it as well. */
  Map<String, Long> layerSizes(String namespace, String snapshotter, ResolvedImage image) {
    Map<String, Long> sizes = new HashMap<>();
    List<String> chain = image.chain();
    for (int i = 0; i < chain.size(); i++) {
      SnapshotInfo info = snapshots.find(new Snapshots.Key(namespace, snapshotter, chain.get(i)));
      if (info != null) {
        sizes.put(chain.get(i), info.usage().bytes());
      } else if (i < image.manifest().layers().size()) {
        sizes.put(chain.get(i), image.manifest().layers().get(i).size());
      }
    }
    return sizes;
  }
}
