package io.berth.containerd.settings;

import java.util.List;

/**
 * Something that a person wants mounted in a container.
 *
 * @param type {@code bind}, {@code volume} or {@code tmpfs}; others are refused when the
 *     specification is made
 * @param source a path of the host, or the name of a volume; empty for a new anonymous volume and
 *     for a tmpfs
 * @param target an absolute path inside
 * @param readOnly whether nothing can be written through it
 * @param options words as in the options of mount(8), and those of a bind's propagation
 */
public record Mount(
    String type, String source, String target, boolean readOnly, List<String> options) {
  /** The type of a mount whose source is a volume. */
  public static final String VOLUME = "volume";

  /** The type of a file system in memory that lives as long as the container runs. */
  public static final String TMPFS = "tmpfs";

  public Mount {
    options = List.copyOf(options);
  }

  /** A volume by its name, without options. */
  public static Mount volume(String name, String target) {
    return new Mount(VOLUME, name, target, false, List.of());
  }

  /** Whether its source is a volume. */
  public boolean isVolume() {
    return type.equals(VOLUME);
  }

  /** The same from another source. */
  public Mount withSource(String changed) {
    return new Mount(type, changed, target, readOnly, options);
  }

  /** The same, writable or not. */
  public Mount withReadOnly(boolean changed) {
    return new Mount(type, source, target, changed, options);
  }
}
