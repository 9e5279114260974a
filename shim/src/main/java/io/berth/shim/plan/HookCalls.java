package io.berth.shim.plan;

import io.berth.base.error.BerthException;
import io.berth.base.json.Json;
import io.berth.linux.supervisor.Hook;
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
    Map<String, Object> state = new LinkedHashMap<>();
    state.put("ociVersion", spec.ociVersion());
    state.put("id", id);
    state.put("status", status);
    state.put("bundle", bundle);
    if (!spec.annotations().isEmpty()) {
      state.put("annotations", spec.annotations());
    }
    String json = new String(Json.bytes(state), StandardCharsets.UTF_8);
    String before = "{" + PID;
    String after = "," + json.substring(1);
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
