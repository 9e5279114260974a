package io.berth.oci.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

final class CapabilitiesTest {
  @Test
  void namesAreBitsByNumber() {
    assertEquals(1 | 1 << 21, Capabilities.of(List.of("CAP_CHOWN", "sys_admin"), -1));
    assertEquals(1L << 40, Capabilities.of(List.of("CAP_CHECKPOINT_RESTORE"), -1));
    assertEquals(1 << 21, Capabilities.SYS_ADMIN);
  }

  @Test
  void whatNobodyKnowsOrHasIsLeftOut() {
    assertEquals(0, Capabilities.of(List.of("CAP_FUTURE", "CAP_KILL"), ~(1L << 5)));
    assertEquals(List.of(), Capabilities.names(1L << 41));
  }

  @Test
  void aSetHasItsNames() {
    assertEquals(List.of("CAP_CHOWN", "CAP_BPF"), Capabilities.names(1 | 1L << 39));
    assertEquals(41, Capabilities.names(-1).size());
    assertEquals((1L << 41) - 1, Capabilities.of(Capabilities.names(-1), -1));
  }
}
