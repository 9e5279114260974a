package io.berth.image.rootfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.base.error.BerthException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class UserDatabaseTest {
  private static final UserDatabase DATABASE =
      new UserDatabase(
          "root:x:0:0:root:/root:/bin/sh\n# comment\nbroken\napp:x:1000:1001::/home/app:/bin/sh\nnohome:x:5:5\n"
              .getBytes(StandardCharsets.UTF_8),
          "root:x:0:\nwheel:x:10:root,app\napp:x:1001:\nextra:x:2000:app\nbad:x:y:app\n"
              .getBytes(StandardCharsets.UTF_8));

  // Rows D01-57, MB-37. Case S2: the primary group is among the supplementary ones.
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'' | 0 | 0 | [0, 10] | /root",
        "root | 0 | 0 | [0, 10] | /root",
        "app | 1000 | 1001 | [1001, 10, 2000] | /home/app",
        "1000 | 1000 | 1001 | [1001, 10, 2000] | /home/app",
        "app:extra | 1000 | 2000 | [2000] | /home/app",
        "app:77 | 1000 | 77 | [77] | /home/app",
        "4242 | 4242 | 0 | [0] | /",
        "4242:wheel | 4242 | 10 | [10] | /",
        "nohome | 5 | 5 | [5] | /",
      })
  void find_byNameAndNumber(String text, int uid, int gid, String groups, String home) {
    ContainerUser user = DATABASE.find(text, List.of());
    assertEquals(uid, user.uid());
    assertEquals(gid, user.gid());
    assertEquals(groups, user.groups().toString());
    assertEquals(home, user.home());
  }

  // Row MB-70.
  @Test
  void find_addsMoreGroups() {
    assertEquals(
        List.of(1001, 10, 2000, 55), DATABASE.find("app", List.of("wheel", "55")).groups());
  }

  @Test
  void find_unknownNamesAreErrors() {
    assertEquals(
        "unable to find user nobody: no matching entries in passwd file",
        assertThrows(BerthException.InvalidArgument.class, () -> DATABASE.find("nobody", List.of()))
            .getMessage());
    assertEquals(
        "unable to find group nope: no matching entries in group file",
        assertThrows(
                BerthException.InvalidArgument.class, () -> DATABASE.find("app:nope", List.of()))
            .getMessage());
    assertThrows(
        BerthException.InvalidArgument.class, () -> DATABASE.find("99999999999", List.of()));
  }

  @Test
  void find_withoutFiles() {
    UserDatabase empty = new UserDatabase(new byte[0], new byte[0]);
    assertEquals(new ContainerUser(0, 0, List.of(0), "/root"), empty.find("", List.of()));
    assertEquals(new ContainerUser(7, 8, List.of(8), "/"), empty.find("7:8", List.of()));
  }
}
