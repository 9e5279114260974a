package io.berth.image.library;

import io.berth.base.error.BerthException;
import io.berth.base.error.Obstacle;
import io.berth.base.text.ListFilters;
import io.berth.image.meta.Metadata;
import io.berth.image.meta.Settlement;
import io.berth.image.name.ImageNames;
import io.berth.image.name.NamedImage;
import io.berth.oci.image.ImageReference;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Gives names to images and takes them away. What no name holds any more is the collector's.
 * Thread-safe.
 */
@Singleton
public final class Tagging {
  private static final List<String> PRUNED =
      List.of(ListFilters.LABEL, ListFilters.NO_LABEL, ListFilters.UNTIL, "dangling");

  private final ImageLibrary library;
  private final ImageNames names;
  private final Users users;
  private final ImageChronicle chronicle;
  private final Settlement settlement;

  @Inject
  public Tagging(
      ImageLibrary library,
      ImageNames names,
      Users users,
      ImageChronicle chronicle,
      Settlement settlement) {
    this.library = library;
    this.names = names;
    this.users = users;
    this.chronicle = chronicle;
    this.settlement = settlement;
  }

  /** Names an image; the name may have meant another one before. Waits for the disk. */
  public ResolvedImage tag(String namespace, String ref, String name) {
    ImageReference reference = ImageReference.of(name);
    if (reference.digest() != null) {
      throw new BerthException.InvalidArgument(
          "tag `" + name + "`: a name with a digest cannot be given");
    }
    ResolvedImage image = library.resolve(namespace, ref, null);
    settlement.settleContent();
    names.put(
        namespace,
        new ImageNames.Draft(reference.toString(), Map.of(), image.target()),
        null,
        Metadata.Durability.DURABLE);
    dropIdName(namespace, image);
    chronicle.tagged(namespace, image, reference.toString());
    return library.resolve(namespace, reference.toString(), null);
  }

  /** Drops the name that was made of the image's id, for the image has a real one now. */
  private void dropIdName(String namespace, ResolvedImage image) {
    if (image.names().contains(image.id())) {
      names.delete(namespace, image.id(), null, null);
    }
  }

  /** What was removed, in the form that people read. */
  public record Removed(List<String> untagged, List<String> deleted) {}

  /**
   * Takes a name away, and with the last one the image; by id, all names of it.
   *
   * @param force also if several names, or a container, hold it; the layers under a container stay
   * @throws BerthException NOT_FOUND; FAILED_PRECONDITION (conflict) without force
   */
  public Removed remove(String namespace, String ref, boolean force) {
    NamedImage named = library.findName(namespace, ref);
    ResolvedImage image;
    try {
      image = library.resolve(namespace, ref, null);
    } catch (BerthException.NotFound | BerthException.InvalidArgument | BerthException.DataLoss e) {
      if (named == null) {
        throw e;
      }
      // The image is incomplete, or for another kind of machine, so only its name is here.
      names.delete(namespace, named.name(), null, null);
      chronicle.untagged(namespace, named);
      return new Removed(List.of(familiar(named.name())), List.of());
    }
    List<String> going =
        named == null || named.name().equals(image.id()) ? image.names() : List.of(named.name());
    boolean last = going.size() == image.names().size();
    if (named == null && going.size() > 1 && !force) {
      throw new BerthException.Conflict(
              "unable to delete "
                  + ProgressListener.part(image.id())
                  + " (must be forced) - image is referenced in multiple repositories")
          .with(Obstacle.of(Obstacle.Reason.IMAGE_HAS_NAMES, Obstacle.Kind.IMAGE, image.id()));
    }
    if (last && !force) {
      refuseUsed(namespace, image, named);
    }
    List<String> untagged = drop(namespace, image, going);
    if (last) {
      chronicle.deleted(namespace, image);
    }
    return new Removed(untagged, last ? deleted(image) : List.of());
  }

  /** Takes names away from an image; answers those that people know. */
  private List<String> drop(String namespace, ResolvedImage image, List<String> going) {
    List<String> untagged = new ArrayList<>();
    for (String name : going) {
      names.delete(namespace, name, null, null);
      if (!name.equals(image.id())) {
        chronicle.untagged(namespace, image);
        untagged.add(familiar(name));
      }
    }
    return untagged;
  }

  /**
   * Takes a name away for a client of containerd, to which names are all there is.
   *
   * @param target digest that it must have, or null
   * @throws BerthException NOT_FOUND, also when it points elsewhere
   */
  public void untag(
      String namespace, String name, @Nullable String target, @Nullable String lease) {
    NamedImage named = names.find(namespace, name);
    ResolvedImage image = named == null ? null : readable(namespace, name);
    names.delete(namespace, name, target, lease);
    if (image != null) {
      chronicle.untagged(namespace, image);
      if (image.names().equals(List.of(name))) {
        chronicle.deleted(namespace, image);
      }
    } else if (named != null) {
      chronicle.untagged(namespace, named);
    }
  }

  private @Nullable ResolvedImage readable(String namespace, String name) {
    try {
      return library.resolve(namespace, name, null);
    } catch (BerthException.NotFound | BerthException.InvalidArgument | BerthException.DataLoss e) {
      return null;
    }
  }

  private void refuseUsed(String namespace, ResolvedImage image, @Nullable NamedImage named) {
    String container = users.containersByChain(namespace).get(image.chainId());
    if (container != null) {
      String shown = container.length() > 12 ? container.substring(0, 12) : container;
      throw new BerthException.Conflict(
              named == null
                  ? "unable to delete "
                      + ProgressListener.part(image.id())
                      + " (must be forced) - image is being used by container "
                      + shown
                  : "unable to remove repository reference \""
                      + familiar(named.name())
                      + "\" (must force) - container "
                      + shown
                      + " is using its referenced image "
                      + ProgressListener.part(image.id()))
          .with(
              Obstacle.of(Obstacle.Reason.IMAGE_IN_USE, Obstacle.Kind.IMAGE, image.id())
                  .heldBy(Obstacle.Kind.CONTAINER, container));
    }
  }

  private static List<String> deleted(ResolvedImage image) {
    List<String> deleted = new ArrayList<>();
    deleted.add(image.id());
    deleted.addAll(image.chain().reversed());
    return deleted;
  }

  static String familiar(String name) {
    try {
      return name.startsWith("sha256:") ? name : ImageReference.of(name).familiar();
    } catch (BerthException.InvalidArgument e) {
      return name;
    }
  }

  /**
   * Removes images that no container stands on.
   *
   * @param all also those with names; otherwise only those known by their id alone
   * @param filters {@code until=TIME}, {@code label=KEY[=VALUE]}, {@code label!=...}
   * @return ids and the bytes of those layers that no image has any more
   */
  public Pruned prune(String namespace, String snapshotter, boolean all, List<String> filters) {
    Set<String> used = new HashSet<>(users.containersByChain(namespace).keySet());
    ListFilters wanted = ListFilters.parse("images to prune", filters, PRUNED);
    Instant until = wanted.until(Instant.now(), ZoneOffset.UTC);
    // What is not only for dangling ones is for all, as docker has it.
    boolean named = all || Boolean.FALSE.equals(wanted.flag("dangling"));
    List<String> deleted = new ArrayList<>();
    Map<String, Long> freed = new HashMap<>();
    Set<String> kept = new HashSet<>();
    for (ResolvedImage image : library.list(namespace, null)) {
      boolean dangling = image.names().stream().allMatch(name -> name.startsWith("sha256:"));
      if (used.contains(image.chainId())
          || !(named || dangling)
          || !wanted.fitsLabels(image.config().config().labels())
          || !ListFilters.fits(until, image.config().createdAt())) {
        kept.addAll(image.chain());
        continue;
      }
      freed.putAll(library.layerSizes(namespace, snapshotter, image));
      drop(namespace, image, image.names()).forEach(name -> deleted.add("untagged: " + name));
      chronicle.deleted(namespace, image);
      deleted.add("deleted: " + image.id());
    }
    freed.keySet().removeAll(kept);
    long bytes = freed.values().stream().mapToLong(Long::longValue).sum();
    chronicle.pruned(namespace, bytes);
    return new Pruned(deleted, bytes);
  }

  /** What pruning has removed. */
  public record Pruned(List<String> deleted, long bytes) {}
}
