package io.berth.linux;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What some supported kernels have and others have not, and what can be taken away by name to try
 * on a newer kernel what an older one would make of it.
 */
public enum KernelFeature {
  /** Lower directories of an overlay one by one, {@code lowerdir+}; from Linux 6.5. */
  OVERLAY_LOWERDIR_APPEND("overlay-lowerdir-append");

  private final String text;

  KernelFeature(String text) {
    this.text = text;
  }

  /** The feature's name in the configuration. */
  public String text() {
    return text;
  }

  /** The names of all features, for people. */
  public static String names() {
    return Arrays.stream(values()).map(KernelFeature::text).collect(Collectors.joining(", "));
  }

  /** The feature of that name, if there is one. */
  public static Optional<KernelFeature> of(String text) {
    return Arrays.stream(values()).filter(feature -> feature.text.equals(text)).findFirst();
  }
}
