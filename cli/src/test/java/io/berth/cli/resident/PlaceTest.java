package io.berth.cli.resident;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Which callers are in one place, by what the kernel says of them. */
final class PlaceTest {
  private static final String ROOT = "000001ffffffffff";

  private static List<String> rights(String groups, String capabilities) {
    return Place.rights(
        List.of(
            "Name:\tberth",
            "Uid:\t0\t0\t0\t0",
            "Gid:\t0\t0\t0\t0",
            "Groups:\t" + groups,
            "CapEff:\t" + capabilities,
            "NoNewPrivs:\t0"));
  }

  // A login of root's is in a group that what a service manager starts is not in.
  @Test
  void groupsGiveRootNothing() {
    assertEquals(rights("", ROOT), rights("0 27 ", ROOT));
  }

  @Test
  void groupsAreTheRightsOfWhoeverCannotOverrideThem() {
    for (String mask : List.of("0000000000000000", "000001fffffffffd")) {
      assertNotEquals(rights("", mask), rights("27 ", mask), mask);
    }
  }

  @Test
  void capabilitiesAreRights() {
    assertNotEquals(rights("", ROOT), rights("", "00000000a80425fb"));
  }
}
