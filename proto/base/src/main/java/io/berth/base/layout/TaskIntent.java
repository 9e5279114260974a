package io.berth.base.layout;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.berth.base.id.TaskKey;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The record {@code intent.json}: what containerd-svc is about to have made, written before
 * anything is.
 *
 * @param version of this form, 1
 * @param bundle the folder with the specification
 * @param cgroupsPath as the specification has it; may be empty
 * @param ephemeral whether the task ends with its container
 * @param options of the runtime; null if the client sent none
 */
public record TaskIntent(
    int version,
    String namespace,
    String id,
    String bundle,
    @JsonProperty("cgroups_path") String cgroupsPath,
    String stdin,
    String stdout,
    String stderr,
    boolean terminal,
    boolean ephemeral,
    List<RootfsMount> rootfs,
    @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Options options) {
  private static final int VERSION = 1;

  public TaskIntent {
    rootfs = List.copyOf(rootfs);
  }

  /**
   * A message of {@code google.protobuf.Any}.
   *
   * @param value in base64 (RFC 4648, section 4)
   */
  public record Options(@JsonProperty("type_url") String typeUrl, String value) {}

  /** The record of a task that is to be made now. */
  public static TaskIntent of(
      TaskKey key,
      Path bundle,
      String cgroupsPath,
      Stdio stdio,
      boolean ephemeral,
      List<RootfsMount> rootfs,
      @Nullable Options options) {
    return new TaskIntent(
        VERSION,
        key.namespace(),
        key.id(),
        bundle.toString(),
        cgroupsPath,
        stdio.stdin(),
        stdio.stdout(),
        stdio.stderr(),
        stdio.terminal(),
        ephemeral,
        rootfs,
        options);
  }
}
