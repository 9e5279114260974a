package io.berth.image.unpack;

/**
 * How much one layer may make; above it is refused with RESOURCE_EXHAUSTED.
 *
 * @param entries of the archive
 * @param bytes of the plain archive
 * @param expansion plain bytes per compressed byte, once the archive has more than 64 MiB
 */
public record LayerLimits(long entries, long bytes, long expansion) {
  /** Practically none. For tests. */
  public static final LayerLimits NONE =
      new LayerLimits(Long.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE);
}
