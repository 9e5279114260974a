package io.berth.containerd.task;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import io.berth.api.containerd.runc.v1.Options;
import io.berth.base.error.BerthException;
import io.berth.base.rpc.Anys;
import java.util.Set;

/** Which runtimes are ours, by the names that clients use, and what their options may be. Pure. */
final class Runtimes {
  private static final Set<String> OURS =
      Set.of(
          "io.containerd.runc.v2",
          "io.containerd.runc.v1",
          "io.containerd.runtime.v1.linux",
          "io.berth.v1");

  // Messages that a client can know and that are no options of a task.
  private static final Set<String> OTHERS =
      Set.of(
          "containerd.runc.v1.CheckpointOptions",
          "containerd.runc.v1.ProcessDetails",
          "runtimeoptions.v1.Options",
          "google.protobuf.Empty");

  private Runtimes() {}

  /** UNKNOWN, with the words that clients look for, unless the name means our own shim. */
  static void check(String name) {
    if (OURS.contains(name)) {
      return;
    }
    String program;
    if (name.startsWith("/")) {
      program = name;
    } else {
      String[] parts = name.split("\\.", -1);
      if (parts.length < 2 || name.contains("/")) {
        throw new BerthException.Unknown(
            "start shim: resolve runtime path: invalid runtime name "
                + name
                + ", correct runtime name should be either format like"
                + " `io.containerd.runc.v2` or a full path to the binary");
      }
      program = "containerd-shim-" + parts[parts.length - 2] + "-" + parts[parts.length - 1];
    }
    throw new BerthException.Unknown(
        "start shim: resolve runtime path: runtime \""
            + name
            + "\" binary not installed \""
            + program
            + "\": file does not exist; use io.containerd.runc.v2");
  }

  /** UNKNOWN for options that are not containerd.runc.v1.Options; absent ones pass. */
  static void checkOptions(Any options, String runtime) {
    if (options.getTypeUrl().isEmpty() && options.getValue().isEmpty()) {
      return;
    }
    String fullName = Options.getDescriptor().getFullName();
    if (!Anys.is(options, fullName)) {
      String url = options.getTypeUrl();
      throw new BerthException.Unknown(
          OTHERS.contains(url.substring(url.lastIndexOf('/') + 1))
              ? "invalid task create option for " + runtime
              : "type with url " + url + ": not found");
    }
    try {
      var _ = Options.parseFrom(options.getValue());
    } catch (InvalidProtocolBufferException e) {
      throw new BerthException.Unknown(
          "read options of runtime " + runtime + ": " + e.getMessage(), e);
    }
  }
}
