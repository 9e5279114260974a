package io.berth.oci.image;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.berth.base.error.BerthException;
import io.berth.base.json.Json;
import io.berth.base.json.Values;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One image for several platforms, or an archive's table of contents (OCI image-spec,
 * image-index.md).
 */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
public record Index(
    @JsonInclude(JsonInclude.Include.ALWAYS) int schemaVersion,
    String mediaType,
    @JsonInclude(JsonInclude.Include.ALWAYS) List<Descriptor> manifests,
    Map<String, String> annotations) {
  /** More are not read. */
  public static final int MAX_MANIFESTS = 10_000;

  public Index(
      @JsonProperty("schemaVersion") int schemaVersion,
      @JsonProperty("mediaType") @Nullable String mediaType,
      @JsonProperty("manifests") @Nullable List<Descriptor> manifests,
      @JsonProperty("annotations") @Nullable Map<String, String> annotations) {
    this.schemaVersion = schemaVersion;
    this.mediaType = mediaType == null ? "" : mediaType;
    this.manifests = Values.copy(manifests);
    this.annotations = Values.copy(annotations);
    if (this.manifests.size() > MAX_MANIFESTS) {
      throw new BerthException.InvalidArgument(
          "index has "
              + this.manifests.size()
              + " manifests, at most "
              + MAX_MANIFESTS
              + " are read");
    }
  }

  /** An OCI index of these manifests. */
  public static Index of(List<Descriptor> manifests) {
    return new Index(2, MediaTypes.OCI_INDEX, manifests, Map.of());
  }

  /** INVALID_ARGUMENT, naming `what`, when the bytes are no index. */
  public static Index read(byte[] bytes, String what) {
    return DocumentReader.read(bytes, Index.class, what);
  }

  /** As stored. */
  public byte[] bytes() {
    return Json.bytes(this);
  }
}
