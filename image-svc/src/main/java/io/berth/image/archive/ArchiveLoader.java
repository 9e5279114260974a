package io.berth.image.archive;

import io.berth.base.error.BerthException;
import io.berth.base.id.Digest;
import io.berth.base.json.Json;
import io.berth.base.tar.TarParser;
import io.berth.image.codec.ByteSource;
import io.berth.image.codec.Decoder;
import io.berth.image.codec.OtherPackings;
import io.berth.image.content.ContentStore;
import io.berth.image.content.Ingest;
import io.berth.image.content.IngestStore;
import io.berth.image.lease.Leases;
import io.berth.image.lease.WorkLease;
import io.berth.image.library.Documents;
import io.berth.image.library.ImageChronicle;
import io.berth.image.library.ProgressListener;
import io.berth.image.library.ReferenceLabels;
import io.berth.image.library.Unpacker;
import io.berth.image.meta.Metadata;
import io.berth.image.meta.Settlement;
import io.berth.image.name.ImageNames;
import io.berth.oci.image.Descriptor;
import io.berth.oci.image.ImageConfig;
import io.berth.oci.image.ImageReference;
import io.berth.oci.image.Index;
import io.berth.oci.image.Manifest;
import io.berth.oci.image.MediaTypes;
import io.berth.oci.image.Platform;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Loads images from an archive, OCI's or docker's, packed or not. What was loaded is on disk when
 * the call returns; a refused archive leaves neither names nor, once the collector has run,
 * content. Thread-safe; a call belongs on a platform thread.
 */
@Singleton
public final class ArchiveLoader {
  private final Stores stores;
  private final Documents documents;
  private final Unpacker unpacker;
  private final ImageChronicle chronicle;

  /** The stores that a loaded image goes into. */
  public static final class Stores {
    private final ContentStore content;
    private final IngestStore ingests;
    private final ImageNames names;
    private final Leases leases;
    private final Settlement settlement;

    @Inject
    Stores(
        ContentStore content,
        IngestStore ingests,
        ImageNames names,
        Leases leases,
        Settlement settlement) {
      this.content = content;
      this.ingests = ingests;
      this.names = names;
      this.leases = leases;
      this.settlement = settlement;
    }
  }

  @Inject
  public ArchiveLoader(
      Stores stores, Documents documents, Unpacker unpacker, ImageChronicle chronicle) {
    this.stores = stores;
    this.documents = documents;
    this.unpacker = unpacker;
    this.chronicle = chronicle;
  }

  /**
   * Says what to load, and for whom.
   *
   * @param name for an image that the archive does not name; empty for none
   * @param platforms the only ones wanted of images for several; empty for all
   * @param maxBytes of all members together
   */
  public record Request(
      String namespace,
      String snapshotter,
      String name,
      List<Platform> platforms,
      long maxBytes,
      ProgressListener progress) {}

  private record Found(Descriptor target, List<String> names) {}

  /**
   * Loads the images of an archive; answers the names that were recorded, in the archive's order.
   */
  public List<String> load(Request request, ByteSource archive) throws IOException {
    try (WorkLease lease = WorkLease.take(stores.leases, request.namespace, "load")) {
      ArchiveIntake intake =
          new ArchiveIntake(
              stores.content, stores.ingests, request.namespace, lease.id(), request.maxBytes);
      boolean done = false;
      try {
        read(OtherPackings.readable("load archive", archive), intake, request.progress);
        done = true;
      } finally {
        if (!done) {
          intake.abandon();
        }
      }
      List<Found> images = images(request, lease, intake);
      if (images.isEmpty()) {
        throw new BerthException.InvalidArgument(
            "load archive: it has neither index.json nor manifest.json; is it an image's archive?"
                + " (a root file system is imported)");
      }
      for (Found image : images) {
        complete(request, lease, image.target);
      }
      stores.settlement.settle();
      List<String> recorded = new ArrayList<>();
      for (Found image : images) {
        for (String name : image.names) {
          stores.names.put(
              request.namespace,
              new ImageNames.Draft(name, Map.of(), image.target),
              lease.id(),
              Metadata.Durability.DURABLE);
          recorded.add(name);
        }
      }
      chronicle.loaded(request.namespace, recorded);
      return recorded;
    }
  }

  private static void read(ByteSource archive, ArchiveIntake intake, ProgressListener progress)
      throws IOException {
    TarParser parser = new TarParser(intake);
    long total = 0;
    long told = 0;
    try (Arena arena = Arena.ofShared();
        Decoder decoder = new Decoder(parser::push)) {
      MemorySegment buffer = arena.allocate(256 << 10, 64);
      for (int count = archive.read(buffer); count >= 0; count = archive.read(buffer)) {
        decoder.push(buffer.asSlice(0, count));
        total += count;
        if (total - told > 16 << 20) {
          told = total;
          progress.step("", "loading", total, 0);
        }
      }
      decoder.finish();
      parser.finish();
    }
    progress.step("", "loading", total, total);
  }

  private List<Found> images(Request request, WorkLease lease, ArchiveIntake intake) {
    byte[] dockerTable = intake.table("manifest.json");
    List<DockerManifest> docker =
        dockerTable == null
            ? List.of()
            : List.of(
                Json.read(dockerTable, DockerManifest[].class, "manifest.json of the archive"));
    byte[] indexTable = intake.table("index.json");
    if (indexTable == null) {
      return docker.stream().map(image -> docker(request, lease, intake, image)).toList();
    }
    Map<String, List<String>> byTarget = new LinkedHashMap<>();
    Map<String, Descriptor> targets = new LinkedHashMap<>();
    for (Descriptor target : Index.read(indexTable, "index.json of the archive").manifests()) {
      targets.putIfAbsent(target.digest(), target);
      String name = nameOf(target, request.name);
      List<String> all = byTarget.computeIfAbsent(target.digest(), _ -> new ArrayList<>());
      if (name != null && !all.contains(name)) {
        all.add(name);
      }
    }
    List<Found> result = new ArrayList<>();
    for (Map.Entry<String, Descriptor> entry : targets.entrySet()) {
      List<String> found = byTarget.getOrDefault(entry.getKey(), List.of());
      Descriptor target = entry.getValue().annotated(Map.of());
      if (found.isEmpty()) {
        found = namesByConfig(request, target, docker, intake);
      }
      result.add(new Found(target, found.isEmpty() ? List.of(fallback(request, target)) : found));
    }
    return result;
  }

  /**
   * The name that an index gives a manifest: a full one, or a tag of the name that the caller gave.
   */
  private static @Nullable String nameOf(Descriptor target, String given) {
    String full = target.annotations().get(Descriptor.IMAGE_NAME);
    if (full != null && !full.isEmpty()) {
      return ImageReference.of(full).toString();
    }
    String ref = target.annotations().get(Descriptor.REF_NAME);
    if (ref == null || ref.isEmpty()) {
      return null;
    }
    boolean isTag = ref.matches("[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}");
    if (!isTag) {
      return ImageReference.of(ref).toString();
    }
    if (given.isEmpty()) {
      return null;
    }
    ImageReference name = ImageReference.of(given);
    return given.substring(given.lastIndexOf('/') + 1).contains(":")
        ? name.toString()
        : name.repository() + ":" + ref;
  }

  private List<String> namesByConfig(
      Request request, Descriptor target, List<DockerManifest> docker, ArchiveIntake intake) {
    if (!MediaTypes.isManifest(target.mediaType())) {
      return List.of();
    }
    String config = documents.manifest(request.namespace, target.digest()).config().digest();
    return docker.stream()
        .filter(image ->
            image.config() != null && config.equals(String.valueOf(intake.find(image.config()))))
        .flatMap(image -> image.names().stream())
        .map(name -> ImageReference.of(name).toString())
        .distinct()
        .toList();
  }

  /** Records an image that has no name under its id, as docker does. */
  private String fallback(Request request, Descriptor target) {
    if (!request.name.isEmpty()) {
      return ImageReference.of(request.name).toString();
    }
    Optional<Descriptor> manifest =
        documents.manifestOf(request.namespace, target, Platform.host());
    return manifest
        .map(found -> documents.manifest(request.namespace, found.digest()).config().digest())
        .orElse(target.digest());
  }

  private Found docker(
      Request request, WorkLease lease, ArchiveIntake intake, DockerManifest image) {
    Digest config = required(intake, image.config());
    ImageConfig.read(
        stores.content.readAll(request.namespace, config, Documents.MAX_BYTES),
        "`" + image.config() + "` of the archive");
    List<Descriptor> layers = new ArrayList<>();
    for (String layer : image.layerNames()) {
      Digest digest = required(intake, layer);
      layers.add(
          Descriptor.of(
              layerType(request.namespace, digest), digest, sizeOf(request.namespace, digest)));
    }
    Manifest manifest =
        Manifest.of(
            Descriptor.of(MediaTypes.OCI_CONFIG, config, sizeOf(request.namespace, config)),
            layers);
    byte[] bytes = manifest.bytes();
    Digest digest =
        stores.ingests.put(
            Ingest.Request.of(request.namespace, lease.id(), lease.id() + "-" + UUID.randomUUID()),
            bytes,
            ReferenceLabels.of(manifest),
            Metadata.Durability.LAZY);
    Descriptor target = Descriptor.of(MediaTypes.OCI_MANIFEST, digest, bytes.length);
    List<String> all =
        image.names().stream().map(name -> ImageReference.of(name).toString()).distinct().toList();
    return new Found(target, all.isEmpty() ? List.of(fallback(request, target)) : all);
  }

  private long sizeOf(String namespace, Digest digest) {
    return stores.content.info(namespace, digest).size();
  }

  private static Digest required(ArchiveIntake intake, @Nullable String name) {
    Digest digest = name == null ? null : intake.find(name);
    if (digest == null) {
      throw new BerthException.InvalidArgument(
          "load archive: manifest.json names `" + name + "`, which is not in the archive");
    }
    return digest;
  }

  private String layerType(String namespace, Digest digest) {
    try (FileChannel file = stores.content.open(namespace, digest);
        Arena arena = Arena.ofConfined()) {
      MemorySegment start = arena.allocate(4);
      int count = Math.max(0, file.read(start.asByteBuffer()));
      return switch (Decoder.sniff(start.asSlice(0, count))) {
        case GZIP -> MediaTypes.OCI_LAYER_GZIP;
        case ZSTD -> MediaTypes.OCI_LAYER_ZSTD;
        case NONE -> MediaTypes.OCI_LAYER;
      };
    } catch (IOException e) {
      throw new BerthException.Internal("read layer " + digest + ": " + e.getMessage(), e);
    }
  }

  /**
   * Labels what refers to what, checks that the image is whole for the platforms that are wanted,
   * or for the host's, and unpacks it.
   */
  private void complete(Request request, WorkLease lease, Descriptor target) {
    Set<String> wanted = new HashSet<>();
    for (Platform platform : request.platforms) {
      wanted.add(wanted(request, target, platform).digest());
    }
    label(request.namespace, target, wanted, 0);
    if (wanted.isEmpty()) {
      // An image for other kinds of machines only is kept and not unpacked.
      documents
          .manifestOf(request.namespace, target, Platform.host())
          .ifPresent(manifest -> unpack(request, lease, manifest.digest()));
    }
    wanted.forEach(manifest -> unpack(request, lease, manifest));
  }

  private Descriptor wanted(Request request, Descriptor target, Platform platform) {
    return documents
        .manifestOf(request.namespace, target, platform)
        .filter(found -> platform.runs(configOf(request.namespace, found.digest()).platform()))
        .orElseThrow(() ->
            new BerthException.InvalidArgument(
                "load archive: it has no image for platform "
                    + platform
                    + " under "
                    + target.digest()));
  }

  private ImageConfig configOf(String namespace, String manifest) {
    return documents.config(namespace, documents.manifest(namespace, manifest).config().digest());
  }

  private void unpack(Request request, WorkLease lease, String digest) {
    Manifest manifest = documents.manifest(request.namespace, digest);
    ImageConfig config = configOf(request.namespace, digest);
    for (Descriptor layer : manifest.layers()) {
      if (stores.content.find(request.namespace, layer.checked()) == null) {
        throw new BerthException.InvalidArgument(
            "load archive: layer "
                + layer.digest()
                + " is not in the archive; it was saved incompletely");
      }
    }
    if (config.platform().os().equals("linux")) {
      unpacker.unpack(
          new Unpacker.Work(
              request.namespace,
              request.snapshotter,
              lease.id(),
              Metadata.Durability.LAZY,
              request.progress),
          manifest,
          config);
    }
  }

  /**
   * Labels what refers to what is here.
   *
   * @param wanted the manifests that are kept; empty for all
   */
  private void label(String namespace, Descriptor target, Set<String> wanted, int depth) {
    if (depth > 3 || stores.content.find(namespace, target.checked()) == null) {
      if (depth == 0) {
        throw new BerthException.InvalidArgument(
            "load archive: index.json names " + target.digest() + ", which is not in the archive");
      }
      return;
    }
    Map<String, String> labels;
    if (MediaTypes.isIndex(target.mediaType())) {
      Index index = documents.index(namespace, target.digest());
      Predicate<Descriptor> kept =
          child ->
              stores.content.find(namespace, child.checked()) != null
                  && (wanted.isEmpty()
                      || wanted.contains(child.digest())
                      || MediaTypes.isIndex(child.mediaType()));
      labels = ReferenceLabels.of(index, kept);
      index.manifests().stream()
          .filter(kept)
          .distinct()
          .forEach(child -> label(namespace, child, wanted, depth + 1));
    } else {
      labels = ReferenceLabels.of(documents.manifest(namespace, target.digest()));
    }
    List<String> mask = labels.keySet().stream().map(key -> "labels." + key).toList();
    if (!mask.isEmpty()) {
      stores.content.update(namespace, target.checked(), labels, mask);
    }
  }
}
