package io.berth.oci.image;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.berth.base.error.BerthException;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What an image runs on, in Go's words ({@code linux/arm64/v8}), normalised: aliases of
 * architectures are replaced, and the variant that an architecture means anyway is spelt out for
 * arm and left out elsewhere.
 */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
public record Platform(String os, String architecture, String variant)
    implements Comparable<Platform> {
  public Platform(
      @JsonProperty("os") @Nullable String os,
      @JsonProperty("architecture") @Nullable String architecture,
      @JsonProperty("variant") @Nullable String variant) {
    this.os = os == null || os.isEmpty() ? "linux" : os.toLowerCase(Locale.ROOT);
    String arch = architecture == null ? "" : architecture.toLowerCase(Locale.ROOT);
    String kind = variant == null ? "" : variant.toLowerCase(Locale.ROOT);
    switch (arch) {
      case "x86_64", "x86-64", "amd64" -> {
        arch = "amd64";
        kind = kind.equals("v1") ? "" : kind;
      }
      case "aarch64", "arm64" -> {
        arch = "arm64";
        kind = kind.equals("8") || kind.isEmpty() ? "v8" : kind;
      }
      case "i386", "i486", "i586", "i686", "386" -> arch = "386";
      case "armhf" -> {
        arch = "arm";
        kind = "v7";
      }
      case "armel" -> {
        arch = "arm";
        kind = "v6";
      }
      case "arm" -> kind = kind.isEmpty() ? "v7" : kind.startsWith("v") ? kind : "v" + kind;
      default -> {}
    }
    this.architecture = arch;
    this.variant = kind;
  }

  /** {@code os[/architecture[/variant]]} or an architecture alone. */
  public static Platform of(String text) {
    String[] parts = text.strip().split("/", -1);
    for (String part : parts) {
      if (part.isEmpty()
          || !part.chars()
              .allMatch(c -> Character.isLetterOrDigit(c) || c == '_' || c == '-' || c == '.')) {
        throw new BerthException.InvalidArgument(
            "platform `" + text + "`: expected os/architecture[/variant], as in linux/amd64");
      }
    }
    return switch (parts.length) {
      case 1 ->
          parts[0].equalsIgnoreCase("linux")
              ? new Platform("linux", host().architecture, host().variant)
              : new Platform("linux", parts[0], "");
      case 2 -> new Platform(parts[0], parts[1], "");
      case 3 -> new Platform(parts[0], parts[1], parts[2]);
      default ->
          throw new BerthException.InvalidArgument(
              "platform `" + text + "`: expected os/architecture[/variant], as in linux/amd64");
    };
  }

  /** This machine. */
  public static Platform host() {
    return new Platform("linux", System.getProperty("os.arch", ""), "");
  }

  /**
   * Whether an image for the other platform runs here as well as its own: the same, or an older
   * variant of arm.
   */
  public boolean runs(Platform image) {
    if (image.architecture.isEmpty()) {
      // It does not say.
      return true;
    }
    if (!os.equals(image.os)) {
      return false;
    }
    if (architecture.equals(image.architecture)) {
      return variantNumber() >= image.variantNumber();
    }
    // 32-bit programs run on their 64-bit successors, but only if nothing better is there.
    return (architecture.equals("amd64") && image.architecture.equals("386"));
  }

  /**
   * The best of what is offered for this platform, or empty. An offer without a platform fits
   * anything, last.
   */
  public <T> Optional<T> choose(List<T> offers, Function<T, @Nullable Platform> platformOf) {
    return offers.stream()
        .filter(offer -> {
          Platform platform = platformOf.apply(offer);
          return platform == null || platform.architecture.isEmpty() || runs(platform);
        })
        .max(Comparator.comparingInt(offer -> fitness(platformOf.apply(offer))));
  }

  private int fitness(@Nullable Platform offered) {
    if (offered == null || offered.architecture.isEmpty()) {
      return 0;
    }
    return offered.architecture.equals(architecture) ? 100 + offered.variantNumber() : 50;
  }

  private int variantNumber() {
    return variant.length() == 2 && variant.charAt(0) == 'v' && Character.isDigit(variant.charAt(1))
        ? variant.charAt(1) - '0'
        : 0;
  }

  @Override
  public int compareTo(Platform other) {
    return toString().compareTo(other.toString());
  }

  @Override
  public String toString() {
    return os
        + "/"
        + architecture
        + (variant.isEmpty() || (architecture.equals("arm64") && variant.equals("v8"))
            ? ""
            : "/" + variant);
  }
}
