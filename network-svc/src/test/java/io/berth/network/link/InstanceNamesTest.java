package io.berth.network.link;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.linux.net.Link;
import io.berth.linux.net.MacAddress;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What is ours on a host: by name and alias, never by one of them. */
final class InstanceNamesTest {
  private static final InstanceNames NAMES = new InstanceNames("abc123");
  private static final int YOUNG = NAMES.liveGroup();

  private static Link link(String name, String alias, int group, String kind) {
    return new Link(
        7,
        name,
        alias,
        /* up= */ true,
        1500,
        group,
        0,
        kind,
        MacAddress.local(1),
        new Link.Counters(0, 0, 0, 0, 0, 0, 0, 0));
  }

  @Test
  void cable_isOursByNameAndAlias() {
    assertTrue(NAMES.isCable(link("btabcdefghij", "berth:abc123:n1:abcdefghij", 0, "veth")));
    assertFalse(NAMES.isCable(link("btabcdefghij", "berth:abc124:n1:abcdefghij", 0, "veth")));
    assertFalse(NAMES.isCable(link("btabcdefghij", "berth:abc123:n1:abcdefghik", 0, "veth")));
    assertFalse(NAMES.isCable(link("eth0", "berth:abc123:n1:abcdefghij", 0, "veth")));
    assertFalse(NAMES.isCable(link("btabcdefghij", "", 0, "veth")));
    assertFalse(NAMES.isCable(link("bt", "", YOUNG, "veth")));
    assertFalse(NAMES.isCable(link("btABCDEFGHIJ", "", YOUNG, "veth")));
  }

  @Test
  void cableWithoutAliasYet_isOursByNameAndGroup() {
    assertTrue(NAMES.isCable(link("btabcdefghij", "", YOUNG, "veth")));
    assertFalse(NAMES.isCable(link("btabcdefghij", "something else", YOUNG, "veth")));
    assertFalse(
        NAMES.isCable(link("btabcdefghij", "", new InstanceNames("abc124").liveGroup(), "veth")));
  }

  @Test
  void bridge_isOursByNameAliasAndKind() {
    assertTrue(NAMES.isBridge(link("br-abc123", "berth:abc123:n1", 0, "bridge")));
    assertTrue(NAMES.isBridge(link("br-abc123-1", "berth:abc123:n2", 0, "bridge")));
    assertFalse(NAMES.isBridge(link("br-abc123", "berth:abc123:n1", 0, "veth")));
    assertFalse(NAMES.isBridge(link("br-abc123", "", 0, "bridge")));
    assertFalse(NAMES.isBridge(link("docker0", "berth:abc123:n1", 0, "bridge")));
  }

  /** Ids are long enough not to collide, as five hexadecimal digits would. */
  @Test
  void ids_doNotComeTwiceAndFitALinksName() {
    Set<String> ids = new HashSet<>();
    for (int i = 0; i < 50_000; i++) {
      String id = InstanceNames.newId();
      assertTrue(InstanceNames.isId(id), id);
      assertTrue(ids.add(id));
      assertTrue(InstanceNames.link(id).length() <= 15);
    }
  }

  @Test
  void groups_differBetweenInstancesAndAreNeverTheDefaultOne() {
    assertEquals(0x63abc123, YOUNG);
    assertEquals(0x62abc123, NAMES.retiredGroup());
    assertThrows(IllegalArgumentException.class, () -> new InstanceNames("ABC123"));
  }
}
