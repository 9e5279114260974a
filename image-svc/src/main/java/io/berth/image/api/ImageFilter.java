package io.berth.image.api;

import io.berth.api.berth.image.v1.Image;
import io.berth.base.error.BerthException;
import io.berth.oci.image.ImageReference;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * The filters of {@code images}: dangling, label, reference, and a repository's name. Different
 * keys must all hold, same keys one.
 */
final class ImageFilter {
  private final List<Predicate<Image>> conditions = new ArrayList<>();

  private ImageFilter() {}

  static ImageFilter of(List<String> filters, String name) {
    ImageFilter result = new ImageFilter();
    if (!name.isEmpty()) {
      result.conditions.add(byName(name));
    }
    for (String filter : filters) {
      int equals = filter.indexOf('=');
      String key = equals < 0 ? filter : filter.substring(0, equals);
      String value = equals < 0 ? "" : filter.substring(equals + 1);
      result.conditions.add(condition(key, value));
    }
    return result;
  }

  private static Predicate<Image> condition(String key, String value) {
    return switch (key) {
      case "dangling" -> {
        boolean wanted =
            switch (value) {
              case "true", "1" -> true;
              case "false", "0" -> false;
              default ->
                  throw new BerthException.InvalidArgument(
                      "filter dangling=" + value + ": expected true or false");
            };
        yield image -> image.getNamesList().isEmpty() == wanted;
      }
      case "label" -> {
        int equals = value.indexOf('=');
        String label = equals < 0 ? value : value.substring(0, equals);
        yield image -> {
          String actual = image.getConfig().getLabelsMap().get(label);
          return actual != null && (equals < 0 || actual.equals(value.substring(equals + 1)));
        };
      }
      case "reference" -> byPattern(value);
      default ->
          throw new BerthException.InvalidArgument(
              "invalid filter `" + key + "`: images have dangling, label and reference");
    };
  }

  private static Predicate<Image> byPattern(String pattern) {
    PathMatcher matcher = FileSystems.getDefault().getPathMatcher("glob:" + pattern);
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
    return conditions.stream().allMatch(condition -> condition.test(image));
  }
}
