package io.berth.containerd.task;

import io.berth.base.error.BerthException;
import java.util.Set;

/** Which runtimes are this engine's own, by the names that clients of containerd use. Pure. */
final class Runtimes {
  private static final Set<String> OURS =
      Set.of(
          "io.containerd.runc.v2",
          "io.containerd.runc.v1",
          "io.containerd.runtime.v1.linux",
          "io.berth.v1");

  private Runtimes() {}

  /** UNKNOWN, with the words that clients look for, unless the name means this engine's shim. */
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
}
