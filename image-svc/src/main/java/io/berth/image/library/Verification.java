package io.berth.image.library;

import io.berth.base.filter.Filter;
import io.berth.base.id.Digest;
import io.berth.image.codec.Hasher;
import io.berth.image.content.ContentInfo;
import io.berth.image.content.ContentStore;
import io.berth.image.snapshot.Snapshots;
import io.berth.oci.image.Descriptor;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Reads again what is stored and compares it with its names. Reads everything from disk: on a
 * platform thread.
 */
@Singleton
public final class Verification {
  private final ContentStore content;
  private final ImageLibrary library;
  private final Snapshots snapshots;

  @Inject
  public Verification(ContentStore content, ImageLibrary library, Snapshots snapshots) {
    this.content = content;
    this.library = library;
    this.snapshots = snapshots;
  }

  /** Is told what is wrong. */
  public interface Findings {
    void found(String digest, String finding);
  }

  /** How much was read. */
  public record Totals(long checked, long bytes) {}

  /**
   * Checks one image, or everything of a namespace.
   *
   * @param ref empty for everything
   */
  public Totals verify(String namespace, String snapshotter, String ref, Findings findings)
      throws IOException {
    Set<Digest> digests = new LinkedHashSet<>();
    if (ref.isEmpty()) {
      content.list(namespace, Filter.of(List.of())).forEach(info -> digests.add(info.digest()));
      library
          .list(namespace, null)
          .forEach(image -> layers(namespace, snapshotter, image, findings));
    } else {
      ResolvedImage image = library.resolve(namespace, ref, null);
      for (Descriptor part : parts(image)) {
        digests.add(part.checked());
      }
      layers(namespace, snapshotter, image, findings);
    }
    long bytes = 0;
    try (Arena arena = Arena.ofShared()) {
      MemorySegment buffer = arena.allocate(256 << 10, 64);
      for (Digest digest : digests) {
        bytes += check(namespace, digest, buffer, findings);
      }
    }
    return new Totals(digests.size(), bytes);
  }

  private static List<Descriptor> parts(ResolvedImage image) {
    List<Descriptor> parts =
        new ArrayList<>(
            List.of(image.target(), image.manifestDescriptor(), image.manifest().config()));
    parts.addAll(image.manifest().layers());
    return parts;
  }

  private long check(String namespace, Digest digest, MemorySegment buffer, Findings findings) {
    ContentInfo info = content.find(namespace, digest);
    if (info == null) {
      findings.found(digest.toString(), "is not here; pull the image again");
      return 0;
    }
    try (FileChannel file = FileChannel.open(content.path(digest));
        Hasher hasher = Hasher.of(digest.algorithm(), /* watched= */ false)) {
      for (int count = file.read(buffer.asByteBuffer());
          count >= 0;
          count = file.read(buffer.asByteBuffer())) {
        hasher.update(buffer.asSlice(0, count));
      }
      if (hasher.size() != info.size()) {
        findings.found(
            digest.toString(),
            "has "
                + hasher.size()
                + " bytes instead of "
                + info.size()
                + "; remove and pull it again");
      } else if (!hasher.soFar().equals(digest)) {
        findings.found(digest.toString(), "was changed on disk; remove and pull it again");
      }
      return hasher.size();
    } catch (IOException e) {
      findings.found(digest.toString(), "cannot be read: " + e.getMessage());
      return 0;
    }
  }

  private void layers(
      String namespace, String snapshotter, ResolvedImage image, Findings findings) {
    String chainId = image.chainId();
    Snapshots.Key key = new Snapshots.Key(namespace, snapshotter, chainId);
    if (chainId.isEmpty() || snapshots.find(key) == null) {
      return;
    }
    for (Path folder : snapshots.folders(key)) {
      if (!Files.isDirectory(folder)) {
        findings.found(
            chainId,
            "its layer's folder `" + folder + "` is gone; remove the image and pull it again");
      }
    }
  }
}
