package io.berth.containerd.api;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import io.berth.api.containerd.runc.v1.Options;
import io.berth.base.error.BerthException;
import io.berth.base.rpc.Anys;
import io.berth.containerd.task.RuntimeOptions;
import jakarta.inject.Inject;
import java.util.Set;

/** The options that clients of containerd send to runc: {@code containerd.runc.v1.Options}. */
public final class RuncOptions implements RuntimeOptions {
  /** Messages that a client can know and that are no options of a task. */
  private static final Set<String> OTHERS =
      Set.of(
          "containerd.runc.v1.CheckpointOptions",
          "containerd.runc.v1.ProcessDetails",
          "runtimeoptions.v1.Options",
          "google.protobuf.Empty");

  @Inject
  RuncOptions() {}

  @Override
  public void check(Any options, String runtime) {
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
