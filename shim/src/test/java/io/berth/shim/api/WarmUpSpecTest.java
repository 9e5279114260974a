package io.berth.shim.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.json.Json;
import io.berth.oci.runtime.Linux;
import io.berth.oci.runtime.RuntimeSpec;
import io.berth.shim.run.Filters;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** The container of the warm-up asks for what clients ask for, so that it warms what they need. */
final class WarmUpSpecTest {
  private static RuntimeSpec spec(int round) {
    byte[] json =
        Json.bytes(WarmUpSpec.of(Path.of("/root"), Path.of("/program"), Path.of("/etc"), round));
    return RuntimeSpec.read(json, "warm");
  }

  private static Linux.Seccomp profile(int round) {
    return Objects.requireNonNull(spec(round).linux().seccomp());
  }

  @Test
  void itsProfileHasWhatADefaultProfileHas() {
    Linux.Seccomp profile = profile(0);
    assertTrue(profile.architectures().size() > 1);
    assertTrue(profile.syscalls().stream().anyMatch(rule -> !rule.args().isEmpty()));
    assertTrue(profile.syscalls().stream().mapToInt(rule -> rule.names().size()).sum() > 50);
    assertTrue(Objects.requireNonNull(new Filters().of(profile)).program().length > 100 * 8);
  }

  @Test
  void eachRoundsFilterIsCompiledAnew() {
    assertEquals(profile(1), profile(1));
    assertNotEquals(profile(1), profile(2));
  }

  @Test
  void itHasLimitsMountsAndNames() {
    RuntimeSpec spec = spec(0);
    assertNotNull(Objects.requireNonNull(spec.linux().resources()).pids());
    assertEquals("warm", spec.hostname());
    assertTrue(spec.mounts().size() > 8);
  }
}
