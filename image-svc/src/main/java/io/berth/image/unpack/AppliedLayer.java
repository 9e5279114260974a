package io.berth.image.unpack;

import io.berth.base.id.Digest;
import java.util.List;

/**
 * Describes a layer that has been unpacked.
 *
 * @param diffId digest of the plain tar
 * @param tarBytes its size
 * @param entries of the archive
 * @param implicit directories that were made only because a path needed them, outermost first
 * @param hidesRoot the layer hides everything below its root directory
 */
public record AppliedLayer(
    Digest diffId, long tarBytes, long entries, List<String> implicit, boolean hidesRoot) {
  public AppliedLayer {
    implicit = List.copyOf(implicit);
  }
}
