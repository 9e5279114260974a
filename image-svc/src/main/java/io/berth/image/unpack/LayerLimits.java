package io.berth.image.unpack;

import io.berth.base.error.BerthException;

/**
 * Bounds of what one layer may make; a layer above one of them is refused with RESOURCE_EXHAUSTED.
 *
 * @param entries of the archive
 * @param bytes of the plain archive, and of its files with their holes
 * @param expansion plain bytes per compressed byte, once the archive has more than 64 MiB; 0 for no
 *     bound. Zeros shrink a thousand times by gzip and tens of thousands of times by zstd, so
 *     honest layers reach whatever the formats can
 */
public record LayerLimits(long entries, long bytes, long expansion) {
  static BerthException tooLarge(long bytes) {
    return new BerthException.ResourceExhausted(
        "unpack layer: more than "
            + bytes
            + " bytes; raise `image.max_image_bytes` if that is meant");
  }

  /** Bounds that no layer reaches, for tests and for archives that are no layers. */
  public static final LayerLimits NONE = new LayerLimits(Long.MAX_VALUE, Long.MAX_VALUE, 0);
}
