package io.berth.image;

import io.berth.base.id.Digest;
import io.berth.base.json.Json;
import io.berth.base.tar.TarEntry;
import io.berth.base.tar.TarWriter;
import io.berth.linux.FileTimestamp;
import io.berth.oci.image.Descriptor;
import io.berth.oci.image.Index;
import io.berth.oci.image.Manifest;
import io.berth.oci.image.MediaTypes;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;

/** Makes layers and archives for tests. */
public final class Archives {
  static final FileTimestamp TIME = new FileTimestamp(1_600_000_000, 123_456_789);

  private Archives() {}

  /** Makes a layer's tar, entry by entry. */
  public static final class Layer {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final TarWriter writer = new TarWriter(out);

    public Layer directory(String name, int mode, int owner) throws IOException {
      writer.entry(
          new TarEntry(
              name, TarEntry.Type.DIRECTORY, mode, owner, owner, 0, TIME, "", 0, 0, Map.of()));
      return this;
    }

    public Layer file(String name, String content) throws IOException {
      return file(name, 0644, content.getBytes(StandardCharsets.UTF_8));
    }

    public Layer file(String name, int mode, byte[] content) throws IOException {
      writer.file(TarEntry.file(name, mode, content.length, TIME), content);
      return this;
    }

    public Layer link(String name, TarEntry.Type type, String target) throws IOException {
      writer.entry(new TarEntry(name, type, 0777, 0, 0, 0, TIME, target, 0, 0, Map.of()));
      return this;
    }

    public Layer device(String name, TarEntry.Type type, int major, int minor) throws IOException {
      writer.entry(new TarEntry(name, type, 0600, 0, 0, 0, TIME, "", major, minor, Map.of()));
      return this;
    }

    public Layer entry(TarEntry entry) throws IOException {
      writer.entry(entry);
      return this;
    }

    public byte[] tar() throws IOException {
      writer.finish();
      return out.toByteArray();
    }
  }

  public static Layer layer() {
    return new Layer();
  }

  public static byte[] gzip(byte[] bytes) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
      gzip.write(bytes);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return out.toByteArray();
  }

  /** An image's parts by digest, and its manifest. */
  public record Image(
      Map<String, byte[]> blobs, Descriptor manifest, Descriptor config, List<String> diffIds) {}

  /** Makes an image of plain layers, which are packed by gzip. */
  public static Image image(String cmd, byte[]... layers) {
    return imageFor(io.berth.oci.image.Platform.host().architecture(), cmd, layers);
  }

  /** The same for another kind of machine. */
  static Image imageFor(String architecture, String cmd, byte[]... layers) {
    Map<String, byte[]> blobs = new LinkedHashMap<>();
    List<Descriptor> descriptors = new ArrayList<>();
    List<String> diffIds = new ArrayList<>();
    for (byte[] layer : layers) {
      byte[] packed = gzip(layer);
      Descriptor descriptor = Descriptor.of(MediaTypes.OCI_LAYER_GZIP, packed);
      blobs.put(descriptor.digest(), packed);
      descriptors.add(descriptor);
      diffIds.add(Digest.sha256(layer).toString());
    }
    byte[] config = config(architecture, cmd, diffIds);
    Descriptor configDescriptor = Descriptor.of(MediaTypes.OCI_CONFIG, config);
    blobs.put(configDescriptor.digest(), config);
    byte[] manifest = Manifest.of(configDescriptor, descriptors).bytes();
    Descriptor manifestDescriptor = Descriptor.of(MediaTypes.OCI_MANIFEST, manifest);
    blobs.put(manifestDescriptor.digest(), manifest);
    return new Image(blobs, manifestDescriptor, configDescriptor, diffIds);
  }

  static byte[] config(String cmd, List<String> diffIds) {
    return config(io.berth.oci.image.Platform.host().architecture(), cmd, diffIds);
  }

  private static byte[] config(String architecture, String cmd, List<String> diffIds) {
    return Json.bytes(
        Map.of(
            "created",
            "2024-05-06T07:08:09Z",
            "architecture",
            architecture,
            "os",
            "linux",
            "config",
            Map.of("Cmd", List.of(cmd), "Env", List.of("PATH=/bin"), "User", "app"),
            "rootfs",
            Map.of("type", "layers", "diff_ids", diffIds),
            "history",
            List.of(Map.of("created", "2024-05-06T07:08:09Z", "created_by", "test"))));
  }

  /** Makes an OCI layout of an index of images, which has a name. */
  static byte[] oci(byte[] index, String name, Image... images) throws IOException {
    Layer archive = layer().file("oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
    Map<String, byte[]> blobs = new LinkedHashMap<>();
    for (Image image : images) {
      blobs.putAll(image.blobs);
    }
    Descriptor target = Descriptor.of(MediaTypes.OCI_INDEX, index);
    blobs.put(target.digest(), index);
    for (Map.Entry<String, byte[]> blob : blobs.entrySet()) {
      archive.file(
          "blobs/sha256/" + blob.getKey().substring("sha256:".length()), 0444, blob.getValue());
    }
    Descriptor named = target.annotated(Map.of(Descriptor.IMAGE_NAME, name));
    return archive.file("index.json", 0444, Index.of(List.of(named)).bytes()).tar();
  }

  /** Makes an archive that is an OCI layout; index.json stands last, as image tools write it. */
  public static byte[] oci(Image image, String name) throws IOException {
    Layer archive = layer().file("oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
    for (Map.Entry<String, byte[]> blob : image.blobs.entrySet()) {
      archive.file(
          "blobs/sha256/" + blob.getKey().substring("sha256:".length()), 0444, blob.getValue());
    }
    Descriptor target =
        name.isEmpty()
            ? image.manifest
            : image.manifest.annotated(Map.of(Descriptor.IMAGE_NAME, name));
    return archive.file("index.json", 0444, Index.of(List.of(target)).bytes()).tar();
  }

  /** Makes an archive of docker's older format, in which a repeated layer is a symbolic link. */
  public static byte[] docker(String cmd, String name, byte[]... layers) throws IOException {
    Layer archive = layer();
    List<String> names = new ArrayList<>();
    List<String> diffIds = new ArrayList<>();
    Map<String, String> first = new LinkedHashMap<>();
    for (int i = 0; i < layers.length; i++) {
      String diffId = Digest.sha256(layers[i]).toString();
      String member = "layer" + i + "/layer.tar";
      diffIds.add(diffId);
      names.add(member);
      archive.file("layer" + i + "/VERSION", "1.0");
      if (first.containsKey(diffId)) {
        archive.link(member, TarEntry.Type.SYMBOLIC_LINK, "../" + first.get(diffId));
      } else {
        first.put(diffId, member);
        archive.file(member, 0644, layers[i]);
      }
    }
    byte[] config = config(cmd, diffIds);
    String configName = Digest.sha256(config).hex() + ".json";
    archive.file(configName, 0644, config);
    archive.file(
        "manifest.json",
        0644,
        Json.bytes(
            List.of(Map.of("Config", configName, "RepoTags", List.of(name), "Layers", names))));
    return archive.tar();
  }
}
