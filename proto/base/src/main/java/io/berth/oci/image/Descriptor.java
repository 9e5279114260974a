package io.berth.oci.image;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.berth.base.error.BerthException;
import io.berth.base.id.Digest;
import io.berth.base.json.Values;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A pointer to content (OCI image-spec, descriptor.md). Digest and size are checked.
 *
 * @param size in bytes
 * @param platform of a manifest in an index
 */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
public record Descriptor(
    String mediaType,
    String digest,
    @JsonInclude(JsonInclude.Include.ALWAYS) long size,
    @Nullable Platform platform,
    Map<String, String> annotations,
    @Nullable String artifactType,
    List<String> urls) {
  /** Name of an image inside an archive. */
  public static final String REF_NAME = "org.opencontainers.image.ref.name";

  /** Full name of an image inside an archive, as containerd's exporters write it. */
  public static final String IMAGE_NAME = "io.containerd.image.name";

  // The parser hands over null for what a document leaves out.
  @SuppressWarnings("RedundantNullCheck")
  public Descriptor(
      @JsonProperty("mediaType") @Nullable String mediaType,
      @JsonProperty("digest") @Nullable String digest,
      @JsonProperty("size") long size,
      @JsonProperty("platform") @Nullable Platform platform,
      @JsonProperty("annotations") @Nullable Map<String, String> annotations,
      @JsonProperty("artifactType") @Nullable String artifactType,
      @JsonProperty("urls") @Nullable List<String> urls) {
    if (digest == null) {
      throw new BerthException.InvalidArgument("descriptor without a digest");
    }
    if (size < 0) {
      throw new BerthException.InvalidArgument(
          "descriptor of `" + digest + "`: size " + size + " is negative");
    }
    this.mediaType = mediaType == null ? "" : mediaType;
    this.digest = Digest.of(digest).toString();
    this.size = size;
    this.platform = platform;
    this.annotations = Values.copy(annotations);
    this.artifactType = artifactType;
    this.urls = Values.copy(urls);
  }

  /** Without the optional parts. */
  public static Descriptor of(String mediaType, Digest digest, long size) {
    return new Descriptor(mediaType, digest.toString(), size, null, Map.of(), null, List.of());
  }

  /** Of these bytes. */
  public static Descriptor of(String mediaType, byte[] content) {
    return of(mediaType, Digest.sha256(content), content.length);
  }

  /** The checked digest. */
  public Digest checked() {
    return Digest.of(digest);
  }

  /** With other annotations. */
  public Descriptor annotated(Map<String, String> replacement) {
    return new Descriptor(mediaType, digest, size, platform, replacement, artifactType, urls);
  }

  /** With a platform. */
  public Descriptor on(Platform replacement) {
    return new Descriptor(mediaType, digest, size, replacement, annotations, artifactType, urls);
  }
}
