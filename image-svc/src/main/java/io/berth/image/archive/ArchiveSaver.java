package io.berth.image.archive;

import io.berth.base.error.BerthException;
import io.berth.base.id.Digest;
import io.berth.base.json.Json;
import io.berth.base.tar.TarEntry;
import io.berth.base.tar.TarWriter;
import io.berth.image.content.ContentStore;
import io.berth.image.library.Documents;
import io.berth.image.library.ImageChronicle;
import io.berth.image.library.ImageLibrary;
import io.berth.image.library.ResolvedImage;
import io.berth.linux.FileTimestamp;
import io.berth.oci.image.Descriptor;
import io.berth.oci.image.ImageReference;
import io.berth.oci.image.Index;
import io.berth.oci.image.MediaTypes;
import io.berth.oci.image.Platform;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Saves images as one archive: an OCI layout with docker's manifest.json beside it, so that both
 * kinds of reader find their table; or docker's older format alone. This machine's platform of an
 * image goes in, or those that are asked for. The same images give the same bytes.
 */
@Singleton
public final class ArchiveSaver {
  private static final FileTimestamp EPOCH = new FileTimestamp(0, 0);

  private final ContentStore content;
  private final ImageLibrary library;
  private final Documents documents;
  private final ImageChronicle chronicle;

  @Inject
  public ArchiveSaver(
      ContentStore content, ImageLibrary library, Documents documents, ImageChronicle chronicle) {
    this.content = content;
    this.library = library;
    this.documents = documents;
    this.chronicle = chronicle;
  }

  /**
   * What an archive has a name for.
   *
   * @param target what the names point at there: a manifest, or the index of several
   * @param indexes those that lead from the target to the images; empty for a manifest
   * @param images one for each platform, the one to be named in docker's table first
   */
  private record Named(
      Descriptor target,
      List<Descriptor> indexes,
      List<ResolvedImage> images,
      List<String> names) {}

  /**
   * Writes the archive.
   *
   * @param platforms of images for several; empty for this machine's, or any other where that is
   *     not here
   * @param format {@code oci}, {@code docker}, or empty for the first
   * @throws BerthException NOT_FOUND before anything is written
   */
  public void save(
      String namespace,
      List<String> refs,
      List<Platform> platforms,
      String format,
      OutputStream out)
      throws IOException {
    boolean docker = format.equals("docker");
    if (!docker && !format.isEmpty() && !format.equals("oci")) {
      throw new BerthException.InvalidArgument(
          "save as `" + format + "`: formats are oci and docker");
    }
    if (refs.isEmpty()) {
      throw new BerthException.InvalidArgument("save: name at least one image");
    }
    if (docker && platforms.size() > 1) {
      throw new BerthException.InvalidArgument(
          "save as `docker`: that format has one platform of an image; save as oci, or one of"
              + " them");
    }
    Map<String, Named> all = new LinkedHashMap<>();
    for (String ref : refs) {
      Named found = find(namespace, ref, platforms);
      Named named = all.computeIfAbsent(found.target.digest(), _ -> found);
      for (String name : namesOf(namespace, ref, found.images.getFirst())) {
        if (!named.names.contains(name)) {
          named.names.add(name);
        }
      }
    }
    TarWriter tar = new TarWriter(out);
    Set<String> written = new HashSet<>();
    for (Named named : all.values()) {
      for (Descriptor index : named.indexes) {
        write(namespace, tar, written, blobOf(index), index);
      }
      for (ResolvedImage image : named.images) {
        for (Descriptor part : parts(image, docker)) {
          write(namespace, tar, written, member(image, part, docker), part);
        }
      }
    }
    if (!docker) {
      file(
          tar, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}".getBytes(StandardCharsets.UTF_8));
      file(tar, "index.json", index(all).bytes());
    }
    List<Map<String, Object>> tables = new ArrayList<>();
    for (Named named : all.values()) {
      for (ResolvedImage image : named.images) {
        boolean first = image.equals(named.images.getFirst());
        tables.add(table(image, first ? named.names : List.of(), docker));
      }
    }
    file(tar, "manifest.json", Json.bytes(tables));
    tar.finish();
    chronicle.saved(
        namespace, all.values().stream().map(named -> named.images.getFirst()).toList());
  }

  private void write(
      String namespace, TarWriter tar, Set<String> written, String member, Descriptor part)
      throws IOException {
    if (written.add(member)) {
      blob(namespace, tar, member, part.checked());
    }
  }

  private Named find(String namespace, String ref, List<Platform> platforms) {
    if (platforms.size() < 2) {
      ResolvedImage image =
          library.resolve(namespace, ref, platforms.isEmpty() ? null : platforms.getFirst());
      Descriptor target = image.manifestDescriptor().on(image.config().platform());
      return new Named(target, List.of(), List.of(image), new ArrayList<>());
    }
    List<ResolvedImage> images = new ArrayList<>();
    Set<String> manifests = new HashSet<>();
    for (Platform platform : platforms) {
      ResolvedImage image = library.resolve(namespace, ref, platform);
      if (manifests.add(image.manifestDescriptor().digest())) {
        images.add(image);
      }
    }
    // Docker's table names one image by a name; readers of it have this machine's kind.
    images.sort(Comparator.comparing(image -> !Platform.host().runs(image.config().platform())));
    Descriptor target = images.getFirst().target();
    List<Descriptor> indexes = new ArrayList<>();
    boolean leads = leads(namespace, target, manifests, indexes, 0);
    assert leads : "a name leads to its images";
    return new Named(target, indexes, images, new ArrayList<>());
  }

  /** Whether a target leads to one of the manifests; adds the indexes on the way. */
  private boolean leads(
      String namespace,
      Descriptor target,
      Set<String> manifests,
      List<Descriptor> indexes,
      int depth) {
    if (manifests.contains(target.digest())) {
      return true;
    }
    boolean closed =
        depth > Documents.DEPTH
            || !MediaTypes.isIndex(target.mediaType())
            || content.find(namespace, target.checked()) == null;
    if (closed) {
      return false;
    }
    boolean leads = false;
    Set<Descriptor> children =
        new LinkedHashSet<>(documents.index(namespace, target.digest()).manifests());
    for (Descriptor child : children) {
      leads |= leads(namespace, child, manifests, indexes, depth + 1);
    }
    if (leads) {
      indexes.add(target);
    }
    return leads;
  }

  /** The names to save: only this one for a name, all of the image for an id. */
  private List<String> namesOf(String namespace, String ref, ResolvedImage image) {
    var named = library.findName(namespace, ref);
    List<String> names = named == null ? image.names() : List.of(named.name());
    return names.stream().filter(name -> !name.startsWith("sha256:")).toList();
  }

  private static List<Descriptor> parts(ResolvedImage image, boolean docker) {
    List<Descriptor> parts = new ArrayList<>();
    if (!docker) {
      parts.add(image.manifestDescriptor());
    }
    parts.add(image.manifest().config());
    parts.addAll(image.manifest().layers());
    return parts;
  }

  private static String blobOf(Descriptor part) {
    return "blobs/" + part.checked().algorithm() + "/" + part.checked().hex();
  }

  private static String member(ResolvedImage image, Descriptor part, boolean docker) {
    String hex = part.checked().hex();
    if (!docker) {
      return blobOf(part);
    }
    return part.digest().equals(image.id()) ? hex + ".json" : hex + "/layer.tar";
  }

  private static Index index(Map<String, Named> images) {
    List<Descriptor> manifests = new ArrayList<>();
    for (Named named : images.values()) {
      Descriptor manifest = named.target;
      if (named.names.isEmpty()) {
        manifests.add(manifest);
      }
      for (String name : named.names) {
        String tag = ImageReference.of(name).tag();
        manifests.add(
            manifest.annotated(
                tag == null
                    ? Map.of(Descriptor.IMAGE_NAME, name)
                    : Map.of(Descriptor.IMAGE_NAME, name, Descriptor.REF_NAME, tag)));
      }
    }
    return Index.of(manifests);
  }

  private static Map<String, Object> table(
      ResolvedImage image, List<String> names, boolean docker) {
    Map<String, Object> table = new LinkedHashMap<>();
    table.put("Config", member(image, image.manifest().config(), docker));
    table.put("RepoTags", names.stream().map(name -> ImageReference.of(name).familiar()).toList());
    table.put(
        "Layers",
        image.manifest().layers().stream().map(layer -> member(image, layer, docker)).toList());
    return table;
  }

  private static void file(TarWriter tar, String name, byte[] bytes) throws IOException {
    tar.file(TarEntry.file(name, 0644, bytes.length, EPOCH), bytes);
  }

  private void blob(String namespace, TarWriter tar, String name, Digest digest)
      throws IOException {
    long size = content.info(namespace, digest).size();
    tar.entry(TarEntry.file(name, 0644, size, EPOCH));
    byte[] bytes = new byte[256 << 10];
    try (FileChannel file = content.open(namespace, digest)) {
      for (long left = size; left > 0; ) {
        int count = file.read(ByteBuffer.wrap(bytes, 0, (int) Math.min(bytes.length, left)));
        if (count < 0) {
          throw new BerthException.DataLoss(
              "content " + digest + " is shorter than recorded; pull or import it again");
        }
        tar.content(bytes, 0, count);
        left -= count;
      }
    }
  }
}
