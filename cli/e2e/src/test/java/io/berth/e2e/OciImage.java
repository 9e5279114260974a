package io.berth.e2e;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.zip.GZIPOutputStream;

/** An OCI image made here, blob by blob, with the environment that the tests look for. */
record OciImage(List<Blob> layers, Blob config, Blob manifest) {
  private static final String OCI = "application/vnd.oci.image.";

  /** Bytes with their media type, named by their digest. */
  static final class Blob {
    private final String mediaType;
    private final byte[] bytes;

    Blob(String mediaType, byte[] bytes) {
      this.mediaType = mediaType;
      this.bytes = bytes;
    }

    String mediaType() {
      return mediaType;
    }

    byte[] bytes() {
      return bytes;
    }

    /** {@code sha256:...}. */
    String digest() {
      return "sha256:" + BusyboxImage.sha256(bytes);
    }

    /** As others refer to it. */
    String descriptor(String more) {
      return "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%d%s}"
          .formatted(mediaType, digest(), bytes.length, more);
    }
  }

  /**
   * Of this machine's architecture.
   *
   * @param tars uncompressed layers, base first
   */
  static OciImage of(List<byte[]> tars) {
    return of(BusyboxImage.architecture(), tars);
  }

  static OciImage of(String architecture, List<byte[]> tars) {
    return of(architecture, tars, "");
  }

  /**
   * With more in its configuration's {@code config}.
   *
   * @param more members, each with a comma before it
   */
  static OciImage of(String architecture, List<byte[]> tars, String more) {
    List<Blob> layers = new ArrayList<>();
    List<String> diffIds = new ArrayList<>();
    for (byte[] tar : tars) {
      layers.add(new Blob(OCI + "layer.v1.tar+gzip", gzip(tar)));
      diffIds.add("\"sha256:" + BusyboxImage.sha256(tar) + "\"");
    }
    Blob config =
        text(
            "config.v1+json",
            """
            {"architecture":"%s","os":"linux",\
            "config":{"Env":["PATH=/bin","FROM_IMAGE=yes"],"Cmd":["sh"],"WorkingDir":"/"%s},\
            "rootfs":{"type":"layers","diff_ids":[%s]},"history":[]}\
            """
                .formatted(architecture, more, String.join(",", diffIds)));
    Blob manifest =
        text(
            "manifest.v1+json",
            """
            {"schemaVersion":2,"mediaType":"%smanifest.v1+json","config":%s,"layers":[%s]}\
            """
                .formatted(
                    OCI,
                    config.descriptor(""),
                    layers.stream()
                        .map(layer -> layer.descriptor(""))
                        .collect(Collectors.joining(","))));
    return new OciImage(layers, config, manifest);
  }

  /**
   * An index of images.
   *
   * @param architectures one for each
   */
  static Blob index(List<String> architectures, List<OciImage> images) {
    List<String> entries = new ArrayList<>();
    for (int i = 0; i < images.size(); i++) {
      entries.add(
          images
              .get(i)
              .manifest()
              .descriptor(
                  ",\"platform\":{\"os\":\"linux\",\"architecture\":\"%s\"}"
                      .formatted(architectures.get(i))));
    }
    return text(
        "index.v1+json",
        "{\"schemaVersion\":2,\"mediaType\":\"%sindex.v1+json\",\"manifests\":[%s]}"
            .formatted(OCI, String.join(",", entries)));
  }

  private static Blob text(String type, String json) {
    return new Blob(OCI + type, json.getBytes(StandardCharsets.UTF_8));
  }

  private static byte[] gzip(byte[] bytes) {
    ByteArrayOutputStream result = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(result)) {
      gzip.write(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return result.toByteArray();
  }
}
