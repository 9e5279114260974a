package io.berth.image.registry;

import io.berth.base.error.BerthException;
import io.berth.base.filter.Filter;
import io.berth.base.id.Digest;
import io.berth.image.content.ContentStore;
import io.berth.image.content.Ingest;
import io.berth.image.content.IngestStore;
import io.berth.image.lease.Leases;
import io.berth.image.lease.WorkLease;
import io.berth.image.library.Documents;
import io.berth.image.library.ImageChronicle;
import io.berth.image.library.ImageLibrary;
import io.berth.image.library.ProgressListener;
import io.berth.image.library.ReadyLayers;
import io.berth.image.library.ReferenceLabels;
import io.berth.image.library.ResolvedImage;
import io.berth.image.library.Unpacker;
import io.berth.image.meta.Metadata;
import io.berth.image.meta.Settlement;
import io.berth.image.name.ImageNames;
import io.berth.image.name.NamedImage;
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
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Pulls and pushes images. Content of a pull is recorded lazily and settled behind the answer, for
 * it can be fetched again; what broke off is kept for the next attempt. Thread-safe; a call blocks
 * for the whole transfer.
 */
@Singleton
public final class RegistryTransfer {
  /** The label, before a domain, with the repositories that content came from. */
  static final String SOURCE = "containerd.io/distribution.source.";

  private final Stores stores;
  private final ImageLibrary library;
  private final Documents documents;
  private final Unpacker unpacker;
  private final Limits limits;
  private final HttpClients clients;
  private final ImageChronicle chronicle;

  /** The stores that a transfer reads and writes. */
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

  /**
   * Bounds of a transfer.
   *
   * @param parallel layers side by side
   * @param imageBytes packed bytes of one image
   * @param silence how long a registry may be silent; what a transfer takes has no bound
   */
  public record Limits(int parallel, long imageBytes, Duration silence) {}

  @Inject
  public RegistryTransfer(
      Stores stores,
      ImageLibrary library,
      Documents documents,
      Unpacker unpacker,
      Limits limits,
      HttpClients clients,
      ImageChronicle chronicle) {
    this.stores = stores;
    this.library = library;
    this.documents = documents;
    this.unpacker = unpacker;
    this.limits = limits;
    this.clients = clients;
    this.chronicle = chronicle;
  }

  /**
   * Says what to transfer.
   *
   * @param platform null for this machine's
   */
  public record Request(
      String namespace,
      String snapshotter,
      String ref,
      @Nullable Platform platform,
      RegistryHosts.Route route,
      boolean unpack,
      ProgressListener progress) {
    /** The same request for another image. */
    public Request of(String other) {
      return new Request(namespace, snapshotter, other, platform, route, unpack, progress);
    }
  }

  /** Checks credentials. UNAUTHENTICATED if the registry does not take them. */
  public void checkLogin(RegistryHosts.Route route) throws IOException {
    Retry.run(
        (_, _, _, _) -> {},
        "",
        () -> {
          Registry.checkLogin(clients, route);
          return true;
        });
  }

  /**
   * Fetches an image, unpacks it, and records its name.
   *
   * @throws BerthException NOT_FOUND for an unknown image or no image for the platform;
   *     RESOURCE_EXHAUSTED for too large a one; UNAVAILABLE when the registry cannot be reached
   */
  public ResolvedImage pull(Request request) throws IOException {
    ImageReference reference = ImageReference.of(request.ref);
    Registry registry = Registry.of(clients, reference, request.route);
    try (WorkLease lease = WorkLease.take(stores.leases, request.namespace, "pull")) {
      BlobFetch fetch =
          new BlobFetch(
              stores.content,
              stores.ingests,
              unpacker,
              registry,
              new BlobFetch.Scope(request.namespace, lease.id(), limits),
              request.progress);
      boolean done = false;
      try {
        fetch(request, registry, lease, fetch);
        done = true;
      } finally {
        if (!done && fetch.hasNoRoom()) {
          stores.ingests.abortAll(request.namespace, lease.id());
        }
      }
      stores.settlement.request();
      ResolvedImage image =
          library
              .resolve(request.namespace, reference.toString(), request.platform)
              .under(reference.toString());
      chronicle.pulled(request.namespace, reference, image);
      return image;
    }
  }

  private void fetch(Request request, Registry registry, WorkLease lease, BlobFetch fetch) {
    ImageReference reference = ImageReference.of(request.ref);
    request.progress.step("", "resolving", 0, 0);
    Registry.Document top =
        Retry.run(request.progress, "", () -> registry.manifest(reference.version()));
    List<Registry.Document> path = choose(registry, request, top);
    Registry.Document chosen = path.getLast();
    Manifest manifest = Manifest.read(chosen.bytes(), "manifest of `" + reference.familiar() + "`");
    checkSize(request, manifest);
    Map<String, String> source = Map.of(SOURCE + reference.domain(), reference.path());
    fetchAll(
        request,
        lease,
        fetch,
        manifest,
        source,
        () -> {
          store(request, lease, chosen, with(ReferenceLabels.of(manifest), source));
          for (int i = path.size() - 2; i >= 0; i--) {
            Descriptor next = path.get(i + 1).descriptor();
            Index index =
                Index.read(path.get(i).bytes(), "index of `" + reference.familiar() + "`");
            Map<String, String> labels =
                ReferenceLabels.of(index, child -> child.digest().equals(next.digest()));
            store(request, lease, path.get(i), with(labels, source));
          }
        });
    if (stores.names.isDurable(request.namespace, reference.toString())) {
      // A name that was there is not lost with what it names from now on.
      stores.settlement.settleContent();
    }
    stores.names.put(
        request.namespace,
        new ImageNames.Draft(reference.toString(), Map.of(), top.descriptor()),
        lease.id(),
        Metadata.Durability.LAZY);
  }

  /**
   * Fetches the configuration and the layers of an image, has the manifest stored, and unpacks the
   * layers.
   */
  private void fetchAll(
      Request request,
      WorkLease lease,
      BlobFetch fetch,
      Manifest manifest,
      Map<String, String> source,
      Runnable storeManifest) {
    fetch.blob(manifest.config(), source, null);
    ImageConfig config = documents.config(request.namespace, manifest.config().digest());
    config.checkLayers(manifest.layers().size());
    checkPlatform(request, config.platform());
    boolean unpack = request.unpack && config.platform().os().equals("linux");
    Unpacker.Work work =
        new Unpacker.Work(
            request.namespace,
            request.snapshotter,
            lease.id(),
            Metadata.Durability.LAZY,
            request.progress);
    try (ReadyLayers ready = unpacker.ready()) {
      fetch.all(
          manifest.layers(),
          source,
          unpack ? unpacker.missing(work, manifest, config) : Set.of(),
          ready);
      storeManifest.run();
      if (unpack) {
        request.progress.step("", "unpacking", 0, 0);
        unpacker.unpack(work, manifest, config, ready);
      }
    }
  }

  private static void checkPlatform(Request request, Platform actual) {
    if (request.platform != null && !request.platform.runs(actual)) {
      throw new BerthException.NotFound(
          "pull `"
              + request.ref
              + "`: no image for platform "
              + request.platform
              + "; there is "
              + actual);
    }
  }

  /** The names of all images of a repository, one for each tag. */
  public List<String> tags(Request request) throws IOException {
    ImageReference reference = ImageReference.of(request.ref);
    Registry registry = Registry.of(clients, reference, request.route);
    return Retry.run(request.progress, "", registry::tags).stream()
        .map(tag -> reference.repository() + ":" + tag)
        .toList();
  }

  /** The names of a repository's images that are here, one for each tag. */
  public List<String> names(Request request) {
    String repository = ImageReference.of(request.ref).repository();
    List<String> names =
        stores.names.list(request.namespace, Filter.of(List.of())).stream()
            .map(NamedImage::name)
            .filter(name -> name.startsWith(repository + ":"))
            .toList();
    if (names.isEmpty()) {
      throw new BerthException.NotFound(
          "push `" + request.ref + "`: no image of this repository is here; see `berth images`");
    }
    return names;
  }

  /**
   * The documents that lead to the manifest for the platform that is wanted, which is the last of
   * them; the document alone if it is no index.
   */
  private static List<Registry.Document> choose(
      Registry registry, Request request, Registry.Document top) {
    Platform platform = request.platform == null ? Platform.host() : request.platform;
    List<Registry.Document> path = new ArrayList<>(List.of(top));
    Registry.Document at = top;
    for (int depth = 0; MediaTypes.isIndex(at.descriptor().mediaType()); depth++) {
      if (depth == 4) {
        throw new BerthException.InvalidArgument(
            "pull `" + request.ref + "`: its indexes are nested too deep");
      }
      List<Descriptor> offers =
          Index.read(at.bytes(), "index of `" + request.ref + "`").manifests();
      Descriptor chosen =
          platform
              .choose(offers, Descriptor::platform)
              .orElseThrow(() -> noPlatform(request.ref, platform, offers));
      at = Retry.run(request.progress, "", () -> registry.manifest(chosen.digest()));
      path.add(at);
    }
    if (!MediaTypes.isManifest(at.descriptor().mediaType())) {
      throw new BerthException.InvalidArgument(
          "pull `"
              + request.ref
              + "`: it is of media type `"
              + at.descriptor().mediaType()
              + "`, which is no image");
    }
    return path;
  }

  private static BerthException noPlatform(String ref, Platform platform, List<Descriptor> offers) {
    List<String> others =
        offers.stream()
            .map(Descriptor::platform)
            .map(String::valueOf)
            .distinct()
            .limit(20)
            .toList();
    return new BerthException.NotFound(
        "pull `"
            + ref
            + "`: no image for platform "
            + platform
            + "; there are "
            + String.join(", ", others));
  }

  private void checkSize(Request request, Manifest manifest) {
    long bytes = manifest.layers().stream().mapToLong(Descriptor::size).sum();
    if (bytes > limits.imageBytes || bytes < 0) {
      throw new BerthException.ResourceExhausted(
          "pull `"
              + request.ref
              + "`: its layers have "
              + bytes
              + " bytes; raise `image.max_image_bytes` if that is meant");
    }
  }

  private static Map<String, String> with(Map<String, String> labels, Map<String, String> more) {
    Map<String, String> all = new LinkedHashMap<>(labels);
    all.putAll(more);
    return all;
  }

  private void store(
      Request request, WorkLease lease, Registry.Document document, Map<String, String> labels) {
    Digest digest = document.descriptor().checked();
    stores.ingests.put(
        Ingest.Request.of(request.namespace, lease.id(), "manifest-" + digest),
        digest,
        document.bytes(),
        labels,
        Metadata.Durability.LAZY);
  }

  /**
   * Pushes an image under its name: with all its platforms if it has several and all are here, and
   * none is asked for.
   */
  public Descriptor push(Request request) throws IOException {
    ImageReference reference = ImageReference.of(request.ref);
    Registry registry = Registry.of(clients, reference, request.route);
    Descriptor pushed =
        new ImagePush(stores.content, library, documents, registry, request).run(limits.parallel);
    chronicle.pushed(request.namespace, reference);
    return pushed;
  }
}
