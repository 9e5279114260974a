package io.berth.image.unpack;

/**
 * Bounds of what one layer may make; a layer above one of them is refused with RESOURCE_EXHAUSTED.
 *
 * @param entries of the archive
 * @param bytes of the plain archive
 * @param expansion plain bytes per compressed byte, once the archive has more than 64 MiB
 */
public record LayerLimits(long entries, long bytes, long expansion) {
  /** Bounds that no layer reaches, for tests and for archives that are no layers. */
  public static final LayerLimits NONE =
      new LayerLimits(Long.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE);
}
