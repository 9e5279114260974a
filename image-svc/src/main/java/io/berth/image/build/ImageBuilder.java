package io.berth.image.build;

import io.berth.base.error.BerthException;
import io.berth.base.id.Digest;
import io.berth.image.codec.ByteSource;
import io.berth.image.codec.Decoder;
import io.berth.image.codec.OtherPackings;
import io.berth.image.content.ContentStore;
import io.berth.image.content.Ingest;
import io.berth.image.content.IngestStore;
import io.berth.image.diff.LayerWriter;
import io.berth.image.lease.Leases;
import io.berth.image.lease.WorkLease;
import io.berth.image.library.Documents;
import io.berth.image.library.ImageChronicle;
import io.berth.image.library.ImageLibrary;
import io.berth.image.library.InitLayer;
import io.berth.image.library.ProgressListener;
import io.berth.image.library.ReferenceLabels;
import io.berth.image.library.ResolvedImage;
import io.berth.image.library.Unpacker;
import io.berth.image.meta.Metadata;
import io.berth.image.meta.Settlement;
import io.berth.image.name.ImageNames;
import io.berth.image.snapshot.SnapshotInfo;
import io.berth.image.snapshot.Snapshots;
import io.berth.oci.image.Descriptor;
import io.berth.oci.image.ImageConfig;
import io.berth.oci.image.ImageReference;
import io.berth.oci.image.Manifest;
import io.berth.oci.image.MediaTypes;
import io.berth.oci.image.Platform;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Makes images. What is made may exist nowhere else, so it is on the disk when a call returns.
 * Thread-safe; the calls belong on platform threads.
 */
@Singleton
public final class ImageBuilder {
  private final Stores stores;
  private final ImageLibrary library;
  private final Unpacker unpacker;
  private final LayerWriter writer;
  private final ImageChronicle chronicle;

  /** The stores that images are made from and kept in. */
  public static final class Stores {
    private final ContentStore content;
    private final IngestStore ingests;
    private final Snapshots snapshots;
    private final ImageNames names;
    private final Leases leases;
    private final Settlement settlement;

    @Inject
    Stores(
        ContentStore content,
        IngestStore ingests,
        Snapshots snapshots,
        ImageNames names,
        Leases leases,
        Settlement settlement) {
      this.content = content;
      this.ingests = ingests;
      this.snapshots = snapshots;
      this.names = names;
      this.leases = leases;
      this.settlement = settlement;
    }
  }

  @Inject
  public ImageBuilder(
      Stores stores,
      ImageLibrary library,
      Unpacker unpacker,
      LayerWriter writer,
      ImageChronicle chronicle) {
    this.stores = stores;
    this.library = library;
    this.unpacker = unpacker;
    this.writer = writer;
    this.chronicle = chronicle;
  }

  /**
   * Says what the new image is called and what its configuration says.
   *
   * @param name empty for none: it is then known by its id
   * @param settings applied to the configuration before the changes
   * @param changes instructions, see {@link ConfigDraft#change}
   */
  public record Draft(
      String name,
      String author,
      String message,
      List<String> changes,
      Consumer<ConfigDraft> settings) {
    public Draft {
      changes = List.copyOf(changes);
    }
  }

  /**
   * Makes an image of a container's changes on top of its image.
   *
   * @param parent the container's image; empty if it has none
   */
  public ResolvedImage commit(Snapshots.Key key, String parent, Draft draft) {
    String name = nameOf(draft);
    String namespace = key.namespace();
    SnapshotInfo snapshot = stores.snapshots.stat(key);
    ResolvedImage base = parent.isEmpty() ? null : library.resolve(namespace, parent, null);
    if (!InitLayer.standsOn(snapshot.parent(), base == null ? "" : base.chainId())) {
      throw new BerthException.FailedPrecondition(
          "commit snapshot \""
              + key.key()
              + "\": it does not stand on image `"
              + parent
              + "`; name the image that the container was made from");
    }
    try (WorkLease lease = WorkLease.take(stores.leases, namespace, "commit")) {
      List<Path> now = stores.snapshots.folders(key);
      boolean layered = stores.snapshots.isLayered(key.snapshotter());
      List<Path> before =
          snapshot.parent().isEmpty()
              ? List.of()
              : stores.snapshots.folders(
                  new Snapshots.Key(namespace, key.snapshotter(), snapshot.parent()));
      LayerWriter.Written layer =
          writer.write(
              now,
              layered,
              before,
              layered,
              new LayerWriter.Target(
                  namespace, lease.id(), MediaTypes.OCI_LAYER_GZIP, "", Map.of()));
      ConfigDraft config =
          base == null
              ? ConfigDraft.of(Platform.host())
              : ConfigDraft.of(
                  stores.content.readAll(namespace, Digest.of(base.id()), Documents.MAX_BYTES));
      draft.settings.accept(config);
      String createdBy = createdBy(config);
      draft.changes.forEach(config::change);
      config.layer(
          layer.diffId().toString(),
          new ConfigDraft.Step(Instant.now(), createdBy, draft.author, draft.message));
      List<Descriptor> layers =
          new ArrayList<>(base == null ? List.of() : base.manifest().layers());
      layers.add(layer.descriptor());
      ResolvedImage image =
          record(new Place(namespace, key.snapshotter(), lease.id()), name, config, layers);
      chronicle.committed(key, image, name, draft.message);
      return image;
    }
  }

  /** What made the layer, as docker tells it: the words after the container's entry point. */
  private static String createdBy(ConfigDraft config) {
    ImageConfig.Process process = ImageConfig.read(config.bytes(), "new configuration").config();
    return String.join(" ", process.cmd());
  }

  /**
   * Makes an image of one layer from a root file system's archive.
   *
   * @param archive a tar, packed or not
   */
  public ResolvedImage importRootfs(
      String namespace,
      String snapshotter,
      Draft draft,
      @Nullable Platform platform,
      ByteSource archive,
      ProgressListener progress)
      throws IOException {
    String name = nameOf(draft);
    try (WorkLease lease = WorkLease.take(stores.leases, namespace, "import")) {
      Place place = new Place(namespace, snapshotter, lease.id());
      // What no layer may be packed by is stored plain.
      Recorder recorder = new Recorder(OtherPackings.readable("import", archive), progress);
      Ingest.Request request = Ingest.Request.of(namespace, lease.id(), lease.id());
      Unpacker.UnpackedLayer layer;
      Descriptor descriptor;
      try (Ingest ingest = stores.ingests.open(request)) {
        recorder.ingest = ingest;
        // The archive is stored and unpacked in one pass, while it comes.
        layer = unpacker.extract(recorder);
        Digest digest = ingest.digest();
        long size = ingest.offset();
        commit(ingest, digest, layer.applied().diffId(), place);
        descriptor = Descriptor.of(recorder.mediaType(), digest, size);
      }
      unpacker.adopt(
          new Unpacker.Work(namespace, snapshotter, lease.id(), Metadata.Durability.LAZY, progress),
          layer);
      ConfigDraft config = ConfigDraft.of(platform == null ? Platform.host() : platform);
      draft.settings.accept(config);
      draft.changes.forEach(config::change);
      config.layer(
          layer.applied().diffId().toString(),
          new ConfigDraft.Step(Instant.now(), "", draft.author, draft.message));
      ResolvedImage image = record(place, name, config, List.of(descriptor));
      chronicle.imported(namespace, image);
      return image;
    }
  }

  private void commit(Ingest ingest, Digest digest, Digest diffId, Place place) {
    Map<String, String> labels =
        digest.equals(diffId) ? Map.of() : Map.of(LayerWriter.UNCOMPRESSED, diffId.toString());
    if (stores.content.lease(place.namespace, place.lease, digest)) {
      ingest.abort();
    } else {
      ingest.commitAs(digest, labels, Metadata.Durability.DURABLE);
    }
  }

  /** Passes bytes on to the reader and keeps them as content. */
  private static final class Recorder implements ByteSource {
    private static final long STEP = 16 << 20;

    private final ByteSource from;
    private final ProgressListener progress;
    private final MemorySegment head = Arena.ofAuto().allocate(4);
    private @Nullable Ingest ingest;
    private long total;
    private long told;

    Recorder(ByteSource from, ProgressListener progress) {
      this.from = from;
      this.progress = progress;
    }

    @Override
    public int read(MemorySegment into) throws IOException {
      int count = from.read(into);
      if (count <= 0 || ingest == null) {
        return count;
      }
      if (total < 4) {
        long part = Math.min(4 - total, count);
        MemorySegment.copy(into, 0, head, total, part);
      }
      ingest.write(into.asSlice(0, count));
      total += count;
      if (total - told > STEP) {
        told = total;
        progress.step("", "importing", total, 0);
      }
      return count;
    }

    String mediaType() {
      return switch (Decoder.sniff(head.asSlice(0, Math.min(4, total)))) {
        case GZIP -> MediaTypes.OCI_LAYER_GZIP;
        case ZSTD -> MediaTypes.OCI_LAYER_ZSTD;
        case NONE -> MediaTypes.OCI_LAYER;
      };
    }
  }

  private record Place(String namespace, String snapshotter, String lease) {}

  private static String nameOf(Draft draft) {
    if (draft.name.isEmpty()) {
      return "";
    }
    ImageReference reference = ImageReference.of(draft.name);
    if (reference.digest() != null) {
      throw new BerthException.InvalidArgument(
          "name `" + draft.name + "`: a name with a digest cannot be given");
    }
    return reference.toString();
  }

  private ResolvedImage record(
      Place place, String name, ConfigDraft draft, List<Descriptor> layers) {
    byte[] config = draft.bytes();
    ImageConfig parsed = ImageConfig.read(config, "new configuration");
    Digest configDigest = put(place, config, Map.of());
    Manifest manifest =
        Manifest.of(Descriptor.of(MediaTypes.OCI_CONFIG, configDigest, config.length), layers);
    unpacker.unpack(
        new Unpacker.Work(
            place.namespace,
            place.snapshotter,
            place.lease,
            Metadata.Durability.LAZY,
            ProgressListener.SILENT),
        manifest,
        parsed);
    byte[] bytes = manifest.bytes();
    Digest digest = put(place, bytes, ReferenceLabels.of(manifest));
    String recorded = name.isEmpty() ? configDigest.toString() : name;
    // The layers below may just have been fetched.
    stores.settlement.settleContent();
    stores.names.put(
        place.namespace,
        new ImageNames.Draft(
            recorded, Map.of(), Descriptor.of(MediaTypes.OCI_MANIFEST, digest, bytes.length)),
        place.lease,
        Metadata.Durability.DURABLE);
    // The layers that were unpacked here can be unpacked again from content that is on the disk, so
    // their sync follows behind the answer.
    stores.settlement.request();
    ResolvedImage image = library.resolve(place.namespace, recorded, parsed.platform());
    if (!name.isEmpty()) {
      chronicle.tagged(place.namespace, image, name);
    }
    return image;
  }

  private Digest put(Place place, byte[] bytes, Map<String, String> labels) {
    return stores.ingests.put(
        Ingest.Request.of(place.namespace, place.lease, place.lease + "-" + UUID.randomUUID()),
        bytes,
        labels,
        Metadata.Durability.DURABLE);
  }
}
