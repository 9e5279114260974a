package io.berth.image.diff;

import com.github.luben.zstd.ZstdOutputStream;
import io.berth.base.error.BerthException;
import io.berth.base.id.Digest;
import io.berth.base.tar.TarWriter;
import io.berth.image.codec.Hasher;
import io.berth.image.content.ContentInfo;
import io.berth.image.content.ContentStore;
import io.berth.image.content.Ingest;
import io.berth.image.content.IngestStore;
import io.berth.image.meta.Metadata;
import io.berth.image.snapshot.MountSpec;
import io.berth.image.tree.Change;
import io.berth.image.tree.MergedTree;
import io.berth.image.tree.TreeComparison;
import io.berth.image.tree.TreeTar;
import io.berth.image.unpack.LayerThreads;
import io.berth.oci.image.Descriptor;
import io.berth.oci.image.MediaTypes;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * Makes layers of what a snapshot changes. Thread-safe; a call blocks while the layer is written.
 */
@Singleton
public final class LayerWriter {
  /** The label with the digest of the plain tar of packed content. */
  public static final String UNCOMPRESSED = "containerd.io/uncompressed";

  private static final int GZIP_LEVEL = 4;

  private final ContentStore content;
  private final IngestStore ingests;
  private final LayerThreads threads;

  @Inject
  public LayerWriter(ContentStore content, IngestStore ingests, LayerThreads threads) {
    this.content = content;
    this.ingests = ingests;
    this.threads = threads;
  }

  /**
   * Says where the layer goes.
   *
   * @param mediaType decides the packing; empty: gzip
   * @param ref of the ingest; empty: one made up
   */
  public record Target(
      String namespace,
      @Nullable String lease,
      String mediaType,
      String ref,
      Map<String, String> labels) {
    public Target {
      labels = Map.copyOf(labels);
    }
  }

  /** A layer in the store, and the digest of its plain tar. */
  public record Written(Descriptor descriptor, Digest diffId) {}

  /** Writes a layer of what the second mounts show and the first do not. */
  public Written diff(List<MountSpec> left, List<MountSpec> right, Target target) {
    LayerTarget before = left.isEmpty() ? null : LayerTarget.of(left);
    LayerTarget now = LayerTarget.of(right);
    return write(
        foldersOf(now),
        now.layered(),
        before == null ? List.of() : foldersOf(before),
        before != null && before.layered(),
        target);
  }

  private static List<Path> foldersOf(LayerTarget target) {
    List<Path> folders = new ArrayList<>();
    folders.add(target.folder());
    folders.addAll(target.lower());
    return folders;
  }

  /**
   * Writes a layer of what some folders show and others do not; both are topmost first.
   *
   * @param layered whether they hold overlayfs' marks
   */
  public Written write(
      List<Path> now, boolean layered, List<Path> before, boolean beforeLayered, Target target) {
    String type = target.mediaType.isEmpty() ? MediaTypes.OCI_LAYER_GZIP : target.mediaType;
    if (!MediaTypes.isLayer(type)) {
      throw new BerthException.NotImplemented("write layer as \"" + type + "\"");
    }
    return threads.run(
        "diff",
        () -> {
          boolean stacked = layered && now.subList(1, now.size()).equals(before);
          if (before.isEmpty()) {
            return store(now, layered, null, type, target);
          }
          try (MergedTree old = MergedTree.open(before, beforeLayered || before.size() > 1)) {
            return store(now, layered, new Before(old, stacked), type, target);
          }
        });
  }

  private record Before(MergedTree tree, boolean stacked) {}

  private Written store(
      List<Path> now, boolean layered, @Nullable Before before, String type, Target target)
      throws IOException {
    String ref = target.ref.isEmpty() ? "diff-" + UUID.randomUUID() : target.ref;
    try (MergedTree tree = MergedTree.open(now, layered);
        Hasher plain = Hasher.sha256();
        Ingest ingest = ingests.open(Ingest.Request.of(target.namespace, target.lease, ref))) {
      ingest.truncate(0);
      try (OutputStream packed = packed(type, new ToIngest(ingest));
          OutputStream hashed = new Hashing(packed, plain)) {
        TarWriter writer = new TarWriter(hashed);
        TreeTar tar = new TreeTar(tree, writer);
        if (before == null) {
          tar.writeAll(tree.root(), "");
        } else {
          List<Change> changes = TreeComparison.changes(tree, before.tree, before.stacked);
          tar.writeLayer(changes);
        }
        writer.finish();
      }
      Digest diffId = plain.soFar();
      return new Written(commit(ingest, type, diffId, target), diffId);
    }
  }

  private Descriptor commit(Ingest ingest, String type, Digest diffId, Target target) {
    Map<String, String> labels = new HashMap<>(target.labels);
    if (MediaTypes.packing(type) != MediaTypes.Packing.NONE) {
      labels.put(UNCOMPRESSED, diffId.toString());
    }
    Digest digest = ingest.digest();
    long size = ingest.offset();
    try {
      ContentInfo info = ingest.commitAs(digest, labels, Metadata.Durability.DURABLE);
      return Descriptor.of(type, info.digest(), info.size());
    } catch (BerthException.AlreadyExists e) {
      if (labels.containsKey(UNCOMPRESSED)) {
        content.update(target.namespace, digest, labels, List.of("labels." + UNCOMPRESSED));
      }
      content.lease(target.namespace, target.lease, digest);
      return Descriptor.of(type, digest, size);
    }
  }

  private static OutputStream packed(String type, OutputStream out) throws IOException {
    return switch (MediaTypes.packing(type)) {
      case NONE -> out;
      case GZIP -> new Gzip(out);
      case ZSTD -> new ZstdOutputStream(out);
    };
  }

  /** The JDK offers the level only to subclasses. */
  private static final class Gzip extends GZIPOutputStream {
    Gzip(OutputStream out) throws IOException {
      super(out, 64 << 10);
      def.setLevel(GZIP_LEVEL);
    }
  }

  private static final class Hashing extends FilterOutputStream {
    private final Hasher hasher;

    Hashing(OutputStream out, Hasher hasher) {
      super(out);
      this.hasher = hasher;
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      hasher.update(MemorySegment.ofArray(bytes).asSlice(offset, length));
      out.write(bytes, offset, length);
    }
  }

  private static final class ToIngest extends OutputStream {
    private final Ingest ingest;

    ToIngest(Ingest ingest) {
      this.ingest = ingest;
    }

    @Override
    public void write(int b) {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
      ingest.write(MemorySegment.ofArray(bytes).asSlice(offset, length));
    }
  }
}
