package io.berth.containerd.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class CapabilityRulesTest {
  private static final Set<String> ALL = Set.copyOf(CapabilityRules.KNOWN);

  /** What is added to and taken from the fourteen, and by how much the set changes. */
  record Row(List<String> add, List<String> drop, Set<String> more, Set<String> less, int size) {}

  static List<Row> rows() {
    return List.of(
        new Row(List.of(), List.of(), Set.of(), Set.of(), 14),
        new Row(List.of("sys_time"), List.of(), Set.of("CAP_SYS_TIME"), Set.of(), 15),
        new Row(
            List.of("CAP_SYS_TIME"),
            List.of("cap_net_raw"),
            Set.of("CAP_SYS_TIME"),
            Set.of("CAP_NET_RAW"),
            14),
        new Row(List.of(), List.of("all"), Set.of(), CapabilityRules.DEFAULT, 0),
        new Row(List.of("CHOWN"), List.of("ALL"), Set.of("CAP_CHOWN"), Set.of("CAP_KILL"), 1),
        new Row(
            List.of("ALL"), List.of("SYS_ADMIN"), Set.of("CAP_BPF"), Set.of("CAP_SYS_ADMIN"), 40),
        new Row(List.of("KILL"), List.of("KILL"), Set.of("CAP_KILL"), Set.of(), 14));
  }

  @ParameterizedTest
  @MethodSource("rows")
  void addAndDrop(Row row) {
    List<String> set = CapabilityRules.of(row.add(), row.drop(), false, ALL);
    assertTrue(set.containsAll(row.more()), () -> "lacks of " + row.more() + ": " + set);
    Set<String> wrong = new TreeSet<>(set);
    wrong.retainAll(row.less());
    assertEquals(Set.of(), wrong);
    assertEquals(row.size(), set.size());
  }

  @Test
  void theHostsBound_isTheMost() {
    Set<String> few = Set.of("CAP_CHOWN", "CAP_SYS_ADMIN");
    assertEquals(List.of("CAP_CHOWN"), CapabilityRules.of(List.of(), List.of(), false, few));
    assertEquals(
        List.of("CAP_CHOWN", "CAP_SYS_ADMIN"), CapabilityRules.of(List.of(), List.of(), true, few));
    BerthException e =
        assertThrows(
            BerthException.InvalidArgument.class,
            () -> CapabilityRules.of(List.of("NET_ADMIN"), List.of(), false, few));
    assertEquals(
        "cap-add `CAP_NET_ADMIN`: this host cannot give it, its own set lacks it", e.getMessage());
  }

  @Test
  void anotherUserThanRoot_hasTheBoundOnly() {
    List<String> set = List.of("CAP_CHOWN");
    assertEquals(set, CapabilityRules.sets(set, 0).effective());
    assertEquals(List.of(), CapabilityRules.sets(set, 1000).effective());
    assertEquals(List.of(), CapabilityRules.sets(set, 1000).permitted());
    assertEquals(set, CapabilityRules.sets(set, 1000).bounding());
    // CVE-2022-29162: what is inheritable would come back to a program by its file's capabilities.
    assertEquals(List.of(), CapabilityRules.sets(set, 0).inheritable());
  }
}
