package io.berth.oci.image;

import com.fasterxml.jackson.annotation.JsonFormat;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.berth.base.error.BerthException;
import io.berth.base.id.Digest;
import io.berth.base.json.Values;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What an image says of itself (OCI image-spec, config.md). Only what is used here; the bytes are
 * the document.
 */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
public record ImageConfig(
    @Nullable String created,
    @Nullable String author,
    @Nullable String comment,
    @Nullable String os,
    @Nullable String architecture,
    @Nullable String variant,
    Process config,
    RootFs rootfs,
    List<History> history) {
  public ImageConfig(
      @JsonProperty("created") @Nullable String created,
      @JsonProperty("author") @Nullable String author,
      @JsonProperty("comment") @Nullable String comment,
      @JsonProperty("os") @Nullable String os,
      @JsonProperty("architecture") @Nullable String architecture,
      @JsonProperty("variant") @Nullable String variant,
      @JsonProperty("config") @Nullable Process config,
      @JsonProperty("rootfs") @Nullable RootFs rootfs,
      @JsonProperty("history") @Nullable List<History> history) {
    this.created = created;
    this.author = author;
    this.comment = comment;
    this.os = os;
    this.architecture = architecture;
    this.variant = variant;
    this.config = config == null ? Process.NONE : config;
    this.rootfs = rootfs == null ? new RootFs("layers", List.of()) : rootfs;
    this.history = Values.copy(history);
  }

  /**
   * What a container of it runs. Keys of the wire are capitalised. Old images have a program
   * without arguments as a string; it is read as a list of one, as docker does.
   */
  @JsonInclude(JsonInclude.Include.NON_EMPTY)
  public record Process(
      @JsonProperty("User") @Nullable String user,
      @JsonProperty("ExposedPorts") Map<String, Object> exposedPorts,
      @JsonProperty("Env") List<String> env,
      @JsonProperty("Entrypoint") List<String> entrypoint,
      @JsonProperty("Cmd") List<String> cmd,
      @JsonProperty("Volumes") Map<String, Object> volumes,
      @JsonProperty("WorkingDir") @Nullable String workingDir,
      @JsonProperty("Labels") Map<String, String> labels,
      @JsonProperty("StopSignal") @Nullable String stopSignal,
      @JsonProperty("Healthcheck") @Nullable Healthcheck healthcheck) {
    /** Nothing set. */
    public static final Process NONE =
        new Process(null, null, null, null, null, null, null, null, null, null);

    public Process(
        @JsonProperty("User") @Nullable String user,
        @JsonProperty("ExposedPorts") @Nullable Map<String, Object> exposedPorts,
        @JsonProperty("Env") @Nullable List<String> env,
        @JsonProperty("Entrypoint")
            @JsonFormat(with = JsonFormat.Feature.ACCEPT_SINGLE_VALUE_AS_ARRAY)
            @Nullable List<String> entrypoint,
        @JsonProperty("Cmd") @JsonFormat(with = JsonFormat.Feature.ACCEPT_SINGLE_VALUE_AS_ARRAY)
            @Nullable List<String> cmd,
        @JsonProperty("Volumes") @Nullable Map<String, Object> volumes,
        @JsonProperty("WorkingDir") @Nullable String workingDir,
        @JsonProperty("Labels") @Nullable Map<String, String> labels,
        @JsonProperty("StopSignal") @Nullable String stopSignal,
        @JsonProperty("Healthcheck") @Nullable Healthcheck healthcheck) {
      this.user = user;
      this.exposedPorts = Values.copy(exposedPorts);
      this.env = Values.copy(env);
      this.entrypoint = Values.copy(entrypoint);
      this.cmd = Values.copy(cmd);
      this.volumes = Values.copy(volumes);
      this.workingDir = workingDir;
      this.labels = Values.copy(labels);
      this.stopSignal = stopSignal;
      this.healthcheck = healthcheck;
    }
  }

  /** docker's extension: a command that tells whether a container does its work. Nanoseconds. */
  @JsonInclude(JsonInclude.Include.NON_EMPTY)
  public record Healthcheck(
      @JsonProperty("Test") List<String> test,
      @JsonProperty("Interval") long interval,
      @JsonProperty("Timeout") long timeout,
      @JsonProperty("StartPeriod") long startPeriod,
      @JsonProperty("Retries") int retries) {
    public Healthcheck(
        @JsonProperty("Test") @Nullable List<String> test,
        @JsonProperty("Interval") long interval,
        @JsonProperty("Timeout") long timeout,
        @JsonProperty("StartPeriod") long startPeriod,
        @JsonProperty("Retries") int retries) {
      this.test = Values.copy(test);
      this.interval = interval;
      this.timeout = timeout;
      this.startPeriod = startPeriod;
      this.retries = retries;
    }
  }

  /** The layers by the digests of their plain tars, lowest first. */
  public record RootFs(String type, @JsonProperty("diff_ids") List<String> diffIds) {
    public RootFs(
        @JsonProperty("type") @Nullable String type,
        @JsonProperty("diff_ids") @Nullable List<String> diffIds) {
      this.type = type == null ? "layers" : type;
      this.diffIds = Values.copy(diffIds);
      this.diffIds.forEach(Digest::of);
    }
  }

  /** How a layer, or something that made none, came to be. */
  @JsonInclude(JsonInclude.Include.NON_EMPTY)
  public record History(
      @Nullable String created,
      @JsonProperty("created_by") @Nullable String createdBy,
      @Nullable String author,
      @Nullable String comment,
      @JsonProperty("empty_layer") @JsonInclude(JsonInclude.Include.NON_DEFAULT)
          boolean emptyLayer) {
    // Named for the parser, which would find the accessors' names otherwise.
    public History(
        @JsonProperty("created") @Nullable String created,
        @JsonProperty("created_by") @Nullable String createdBy,
        @JsonProperty("author") @Nullable String author,
        @JsonProperty("comment") @Nullable String comment,
        @JsonProperty("empty_layer") boolean emptyLayer) {
      this.created = created;
      this.createdBy = createdBy;
      this.author = author;
      this.comment = comment;
      this.emptyLayer = emptyLayer;
    }
  }

  /** INVALID_ARGUMENT, naming `what`, when the bytes are no configuration of an image. */
  public static ImageConfig read(byte[] bytes, String what) {
    return DocumentReader.read(bytes, ImageConfig.class, what);
  }

  /** The platform that it was made for; the host's architecture where it does not say. */
  public Platform platform() {
    return architecture == null || architecture.isEmpty()
        ? Platform.host()
        : new Platform(os, architecture, variant);
  }

  /** When it was made; null if it does not say, or says it in no known form. */
  public @Nullable Instant createdAt() {
    return instant(created);
  }

  /** A time of a document (RFC 3339), or null. */
  public static @Nullable Instant instant(@Nullable String text) {
    if (text == null || text.isEmpty()) {
      return null;
    }
    try {
      return OffsetDateTime.parse(text).toInstant();
    } catch (DateTimeException e) {
      return null;
    }
  }

  /** INVALID_ARGUMENT when there are not as many diff ids as layers. */
  public void checkLayers(int layers) {
    if (rootfs.diffIds.size() != layers) {
      throw new BerthException.InvalidArgument(
          "image has "
              + layers
              + " layers but its configuration names "
              + rootfs.diffIds.size()
              + " diff ids");
    }
  }
}
