package io.berth.image.archive;

import io.berth.base.error.BerthException;
import io.berth.base.id.Digest;
import io.berth.base.json.Json;
import io.berth.base.tar.TarEntry;
import io.berth.base.tar.TarWriter;
import io.berth.image.content.ContentStore;
import io.berth.image.library.ImageLibrary;
import io.berth.image.library.ResolvedImage;
import io.berth.linux.FileTimestamp;
import io.berth.oci.image.Descriptor;
import io.berth.oci.image.ImageReference;
import io.berth.oci.image.Index;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Saves images as one archive: an OCI layout with docker's manifest.json beside it, so that both
 * kinds of reader find their table; or docker's older format alone. Only this machine's platform of
 * an image goes in. The same images give the same bytes.
 */
@Singleton
public final class ArchiveSaver {
  private static final FileTimestamp EPOCH = new FileTimestamp(0, 0);

  private final ContentStore content;
  private final ImageLibrary library;

  @Inject
  public ArchiveSaver(ContentStore content, ImageLibrary library) {
    this.content = content;
    this.library = library;
  }

  /** An image as docker's format names it. */
  private record Named(ResolvedImage image, List<String> names) {}

  /**
   * Writes the archive.
   *
   * @param format {@code oci}, {@code docker}, or empty for the first
   * @throws BerthException NOT_FOUND before anything is written
   */
  public void save(String namespace, List<String> refs, String format, OutputStream out)
      throws IOException {
    boolean docker = format.equals("docker");
    if (!docker && !format.isEmpty() && !format.equals("oci")) {
      throw new BerthException.InvalidArgument(
          "save as `" + format + "`: formats are oci and docker");
    }
    if (refs.isEmpty()) {
      throw new BerthException.InvalidArgument("save: name at least one image");
    }
    Map<String, Named> images = new LinkedHashMap<>();
    for (String ref : refs) {
      ResolvedImage image = library.resolve(namespace, ref, null);
      Named named =
          images.computeIfAbsent(
              image.manifestDescriptor().digest(), _ -> new Named(image, new ArrayList<>()));
      for (String name : namesOf(namespace, ref, image)) {
        if (!named.names.contains(name)) {
          named.names.add(name);
        }
      }
    }
    TarWriter tar = new TarWriter(out);
    Set<String> written = new HashSet<>();
    for (Named named : images.values()) {
      for (Descriptor part : parts(named.image, docker)) {
        String member = member(named.image, part, docker);
        if (written.add(member)) {
          blob(namespace, tar, member, part.checked());
        }
      }
    }
    if (!docker) {
      file(
          tar, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}".getBytes(StandardCharsets.UTF_8));
      file(tar, "index.json", index(images).bytes());
    }
    file(
        tar,
        "manifest.json",
        Json.bytes(images.values().stream().map(named -> table(named, docker)).toList()));
    tar.finish();
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

  private static String member(ResolvedImage image, Descriptor part, boolean docker) {
    String hex = part.checked().hex();
    if (!docker) {
      return "blobs/" + part.checked().algorithm() + "/" + hex;
    }
    return part.digest().equals(image.id()) ? hex + ".json" : hex + "/layer.tar";
  }

  private static Index index(Map<String, Named> images) {
    List<Descriptor> manifests = new ArrayList<>();
    for (Named named : images.values()) {
      Descriptor manifest = named.image.manifestDescriptor().on(named.image.config().platform());
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

  private static Map<String, Object> table(Named named, boolean docker) {
    Map<String, Object> table = new LinkedHashMap<>();
    ResolvedImage image = named.image;
    table.put("Config", member(image, image.manifest().config(), docker));
    table.put(
        "RepoTags", named.names.stream().map(name -> ImageReference.of(name).familiar()).toList());
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
