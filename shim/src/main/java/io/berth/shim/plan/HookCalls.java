package io.berth.shim.plan;

import io.berth.base.error.BerthException;
import io.berth.base.json.Json;
import io.berth.linux.supervisor.Hook;
import io.berth.linux.supervisor.Step;
import io.berth.oci.runtime.Linux;
import io.berth.oci.runtime.RuntimeSpec;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Makes hooks as they are carried out: with the container's state on their input. */
public final class HookCalls {
  private static final String PID = "\"pid\":";

  private HookCalls() {}

  /** The container's state (runtime.md, "State") from behind the pid that it begins with. */
  private static String stateAfterPid(RuntimeSpec spec, String id, String bundle, String status) {
    Map<String, Object> state = new LinkedHashMap<>();
    state.put("ociVersion", spec.ociVersion());
    state.put("id", id);
    state.put("status", status);
    state.put("bundle", bundle);
    if (!spec.annotations().isEmpty()) {
      state.put("annotations", spec.annotations());
    }
    return "," + new String(Json.bytes(state), StandardCharsets.UTF_8).substring(1);
  }

  /**
   * What a filter's listener is told (config-linux.md, "The Container Process State").
   *
   * @param status of the container when its filter is loaded
   */
  static Step.Listener listener(
      RuntimeSpec spec, Linux.Seccomp profile, String id, String bundle, String status) {
    Map<String, Object> process = new LinkedHashMap<>();
    process.put("ociVersion", spec.ociVersion());
    process.put("fds", List.of("seccompFd"));
    if (!profile.listenerMetadata().isEmpty()) {
      process.put("metadata", profile.listenerMetadata());
    }
    String json = new String(Json.bytes(process), StandardCharsets.UTF_8);
    return new Step.Listener(
        profile.listenerPath(),
        json.substring(0, json.length() - 1) + "," + PID,
        ",\"state\":{" + PID,
        stateAfterPid(spec, id, bundle, status) + "}");
  }

  /**
   * The hooks in the order of the list.
   *
   * @param status creating, created, running or stopped
   */
  public static List<Hook> of(
      List<RuntimeSpec.Hook> hooks, RuntimeSpec spec, String id, String bundle, String status) {
    if (hooks.isEmpty()) {
      return List.of();
    }
    String before = "{" + PID;
    String after = stateAfterPid(spec, id, bundle, status);
    return hooks.stream()
        .map(hook -> {
          if (!hook.path().startsWith("/")) {
            throw new BerthException.InvalidArgument(
                "hook `" + hook.path() + "`: not an absolute path");
          }
          Integer seconds = hook.timeout();
          if (seconds != null && seconds <= 0) {
            throw new BerthException.InvalidArgument(
                "hook `" + hook.path() + "`: its timeout is not above 0");
          }
          Duration timeout = seconds == null ? Duration.ZERO : Duration.ofSeconds(seconds);
          List<String> arguments = hook.args().isEmpty() ? List.of(hook.path()) : hook.args();
          return new Hook(hook.path(), arguments, hook.env(), timeout, before, after);
        })
        .toList();
  }
}
