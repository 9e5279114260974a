package io.berth.oci.image;

import java.util.Locale;

/** Media types of images, OCI's and docker's, and what can be told from them. */
public final class MediaTypes {
  public static final String OCI_INDEX = "application/vnd.oci.image.index.v1+json";
  public static final String OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
  public static final String OCI_CONFIG = "application/vnd.oci.image.config.v1+json";
  public static final String OCI_LAYER = "application/vnd.oci.image.layer.v1.tar";
  public static final String OCI_LAYER_GZIP = OCI_LAYER + "+gzip";
  public static final String OCI_LAYER_ZSTD = OCI_LAYER + "+zstd";
  public static final String OCI_LAYER_FOREIGN =
      "application/vnd.oci.image.layer.nondistributable.v1.tar";
  public static final String DOCKER_INDEX =
      "application/vnd.docker.distribution.manifest.list.v2+json";
  public static final String DOCKER_MANIFEST =
      "application/vnd.docker.distribution.manifest.v2+json";
  public static final String DOCKER_MANIFEST_1 =
      "application/vnd.docker.distribution.manifest.v1+json";
  public static final String DOCKER_MANIFEST_1_SIGNED =
      "application/vnd.docker.distribution.manifest.v1+prettyjws";
  public static final String DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json";
  public static final String DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar";
  public static final String DOCKER_LAYER_GZIP = DOCKER_LAYER + ".gzip";
  public static final String DOCKER_LAYER_ZSTD = DOCKER_LAYER + ".zstd";
  public static final String DOCKER_LAYER_FOREIGN =
      "application/vnd.docker.image.rootfs.foreign.diff.tar";

  /** How a layer's bytes are said to be packed. */
  public enum Packing {
    NONE,
    GZIP,
    ZSTD
  }

  private MediaTypes() {}

  /** Whether it names a list of manifests. */
  public static boolean isIndex(String type) {
    return type.equals(OCI_INDEX) || type.equals(DOCKER_INDEX);
  }

  /** Whether it names one image's manifest, in a version that is read here. */
  public static boolean isManifest(String type) {
    return type.equals(OCI_MANIFEST) || type.equals(DOCKER_MANIFEST);
  }

  /**
   * Whether it names the first, signed kind of manifest, which nobody makes any more and which is
   * not read.
   */
  public static boolean isOutdated(String type) {
    return type.equals(DOCKER_MANIFEST_1) || type.equals(DOCKER_MANIFEST_1_SIGNED);
  }

  /** Whether it names an image's configuration. */
  public static boolean isConfig(String type) {
    return type.equals(OCI_CONFIG) || type.equals(DOCKER_CONFIG);
  }

  /** Whether it names a layer that is a tar, packed or not. */
  public static boolean isLayer(String type) {
    return switch (bare(type)) {
      case OCI_LAYER, OCI_LAYER_FOREIGN, DOCKER_LAYER, DOCKER_LAYER_FOREIGN -> true;
      default -> false;
    };
  }

  /** What the end of a layer's type says. The bytes decide; see the unpacking side. */
  public static Packing packing(String layerType) {
    String type = layerType.toLowerCase(Locale.ROOT);
    if (type.endsWith("+gzip") || type.endsWith(".gzip")) {
      return Packing.GZIP;
    }
    return type.endsWith("+zstd") || type.endsWith(".zstd") ? Packing.ZSTD : Packing.NONE;
  }

  /** Whether a layer of this type is not to be pushed to other registries. */
  public static boolean isForeign(String type) {
    String bare = bare(type);
    return bare.equals(OCI_LAYER_FOREIGN) || bare.equals(DOCKER_LAYER_FOREIGN);
  }

  private static String bare(String type) {
    return switch (packing(type)) {
      case NONE -> type;
      case GZIP, ZSTD -> type.substring(0, type.length() - "+gzip".length());
    };
  }
}
