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
 * One image (OCI image-spec, manifest.md; docker schema 2).
 *
 * @param layers lowest first, at most {@link #MAX_LAYERS}
 */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
public record Manifest(
    @JsonInclude(JsonInclude.Include.ALWAYS) int schemaVersion,
    String mediaType,
    Descriptor config,
    @JsonInclude(JsonInclude.Include.ALWAYS) List<Descriptor> layers,
    Map<String, String> annotations) {
  /** What overlayfs can stack. */
  public static final int MAX_LAYERS = 500;

  public Manifest(
      @JsonProperty("schemaVersion") int schemaVersion,
      @JsonProperty("mediaType") @Nullable String mediaType,
      @JsonProperty("config") @Nullable Descriptor config,
      @JsonProperty("layers") @Nullable List<Descriptor> layers,
      @JsonProperty("annotations") @Nullable Map<String, String> annotations) {
    if (config == null) {
      throw new BerthException.InvalidArgument(
          schemaVersion == 1
              ? "manifest of docker's schema 1 is not supported; push the image again with a"
                  + " current client"
              : "manifest without a configuration");
    }
    this.schemaVersion = schemaVersion;
    this.mediaType = mediaType == null ? "" : mediaType;
    this.config = config;
    this.layers = Values.copy(layers);
    this.annotations = Values.copy(annotations);
    if (this.layers.size() > MAX_LAYERS) {
      throw new BerthException.InvalidArgument(
          "manifest has "
              + this.layers.size()
              + " layers, more than the "
              + MAX_LAYERS
              + " that overlayfs can stack");
    }
  }

  /** An OCI manifest of these parts. */
  public static Manifest of(Descriptor config, List<Descriptor> layers) {
    return new Manifest(2, MediaTypes.OCI_MANIFEST, config, layers, Map.of());
  }

  /** INVALID_ARGUMENT, naming `what`, when the bytes are no manifest. */
  public static Manifest read(byte[] bytes, String what) {
    return DocumentReader.read(bytes, Manifest.class, what);
  }

  /** As stored. */
  public byte[] bytes() {
    return Json.bytes(this);
  }
}
