package io.berth.image.api;

import io.berth.api.berth.image.v1.Image;
import io.berth.base.rpc.Timestamps;
import io.berth.base.text.ListFilters;
import io.berth.oci.image.ImageReference;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Which images a list shows, by the filters that docker has, and by a repository's name. */
final class ImageFilter {
  private static final List<String> KEYS =
      List.of(
          "dangling",
          ListFilters.LABEL,
          ListFilters.NO_LABEL,
          "reference",
          "before",
          "since",
          ListFilters.UNTIL);

  private final ListFilters wanted;
  private final @Nullable Boolean dangling;
  private final @Nullable Instant until;
  private final List<Predicate<Image>> others = new ArrayList<>();

  private ImageFilter(ListFilters wanted) {
    this.wanted = wanted;
    this.dangling = wanted.flag("dangling");
    this.until = wanted.until(Instant.now(), ZoneOffset.UTC);
  }

  /**
   * Reads filters. INVALID_ARGUMENT for one that there is not.
   *
   * @param name a repository or a name in it; empty for all
   * @param createdOf tells when the image was made that a word means
   */
  static ImageFilter of(
      List<String> filters, String name, Function<String, @Nullable Instant> createdOf) {
    ImageFilter result = new ImageFilter(ListFilters.parse("images", filters, KEYS));
    if (!name.isEmpty()) {
      result.others.add(byName(name));
    }
    List<Predicate<Image>> patterns =
        result.wanted.values("reference").stream().map(ImageFilter::byPattern).toList();
    if (!patterns.isEmpty()) {
      result.others.add(image -> patterns.stream().anyMatch(pattern -> pattern.test(image)));
    }
    for (String ref : result.wanted.values("before")) {
      Instant limit = moment(createdOf.apply(ref));
      result.others.add(image -> created(image).isBefore(limit));
    }
    for (String ref : result.wanted.values("since")) {
      Instant limit = moment(createdOf.apply(ref));
      result.others.add(image -> created(image).isAfter(limit));
    }
    return result;
  }

  private static Instant created(Image image) {
    return moment(image.hasCreatedAt() ? Timestamps.instant(image.getCreatedAt()) : null);
  }

  /** A moment, where one that an image does not tell counts as long ago. */
  private static Instant moment(@Nullable Instant told) {
    return told == null ? Instant.EPOCH : told;
  }

  private static Predicate<Image> byPattern(String pattern) {
    PathMatcher matcher;
    try {
      matcher = FileSystems.getDefault().getPathMatcher("glob:" + pattern);
    } catch (IllegalArgumentException e) {
      throw ListFilters.refused("reference", pattern, "is no pattern; write busybox* or */app:1.*");
    }
    return image ->
        image.getNamesList().stream()
            .map(ImageReference::of)
            .anyMatch(name ->
                matcher.matches(Path.of(name.familiar()))
                    || matcher.matches(Path.of(name.familiarRepository()))
                    || matcher.matches(Path.of(name.toString())));
  }

  /** The condition for {@code repository} or {@code repository:tag}. */
  private static Predicate<Image> byName(String name) {
    ImageReference wanted = ImageReference.of(name);
    boolean anyTag = name.indexOf(':', name.lastIndexOf('/') + 1) < 0 && wanted.digest() == null;
    return image ->
        image.getNamesList().stream()
            .map(ImageReference::of)
            .anyMatch(candidate ->
                anyTag
                    ? candidate.repository().equals(wanted.repository())
                    : candidate.equals(wanted));
  }

  boolean matches(Image image) {
    return (dangling == null || dangling == image.getNamesList().isEmpty())
        && wanted.fitsLabels(image.getConfig().getLabelsMap())
        && ListFilters.fits(until, created(image))
        && others.stream().allMatch(condition -> condition.test(image));
  }
}
