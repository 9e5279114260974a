package io.berth.image.rootfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.base.error.BerthException;
import io.berth.base.error.LaunchFailure;
import io.berth.linux.Errno;
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

  /** The primary group is among the supplementary ones. */
  @ParameterizedTest // case S2
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

  @Test
  void find_addsMoreGroups() {
    assertEquals(
        List.of(1001, 10, 2000, 55), DATABASE.find("app", List.of("wheel", "55")).groups());
  }

  @Test
  void find_unknownNamesAreNoExitCodesOfPrograms() {
    String name = "no such file or directory";
    BerthException unknown =
        assertThrows(BerthException.InvalidArgument.class, () -> DATABASE.find(name, List.of()));
    assertEquals(
        new LaunchFailure(LaunchFailure.Kind.USER_REFUSED, name, Errno.UNKNOWN), unknown.detail());
    assertEquals(125, LaunchFailure.exitCode(unknown, 125));
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
  }

  private static final UserDatabase DECEIVING =
      database(
          """
          root:x:0:0:root:/root:/bin/sh
          1000:x:0:0::/:/bin/sh
          +1000:x:0:0::/:/bin/sh
          -1:x:0:0::/:/bin/sh
          99999999999:x:0:0::/:/bin/sh
          bob:x:1000:1002::/home:/bin/sh
          bob:x:0:0::/:/bin/sh
          second:x:1000:0::/:/bin/sh
          wide:x:4294967294:1::/:/bin/sh
          widegroup:x:7:4294967294::/:/bin/sh
          dave:x:1003:1003::/:/bin/sh
          """,
          """
          root:x:0:
          50:x:0:1000
          4294967297:x:0:
          far:x:2147483648:dave
          70:x:71:bob
          extra:x:72:bobby,bob,
          extra:x:0:
          """);

  private static UserDatabase database(String passwd, String group) {
    return new UserDatabase(
        passwd.getBytes(StandardCharsets.UTF_8), group.getBytes(StandardCharsets.UTF_8));
  }

  @ParameterizedTest // case S18
  @CsvSource(
      delimiter = '|',
      value = {
        "1000 | 1000 | 1002 | [1002, 71, 72]",
        "+1000 | 1000 | 1002 | [1002, 71, 72]",
        "01000 | 1000 | 1002 | [1002, 71, 72]",
        "bob | 1000 | 1002 | [1002, 71, 72]",
        "bob:50 | 1000 | 50 | [50]",
        "bob:70 | 1000 | 70 | [70]",
        "bob:extra | 1000 | 72 | [72]",
        "2147483647:2147483647 | 2147483647 | 2147483647 | [2147483647]",
      })
  void find_aNumberIsNeverAName(String text, int uid, int gid, String groups) {
    ContainerUser user = DECEIVING.find(text, List.of());
    assertEquals(uid, user.uid());
    assertEquals(gid, user.gid());
    assertEquals(groups, user.groups().toString());
  }

  @Test // case S18
  void find_aNumberAmongMoreGroups_isNeverAName() {
    assertEquals(
        List.of(1002, 50, 70, 72),
        DECEIVING.find("1000:1002", List.of("50", "70", "extra")).groups());
  }

  @ParameterizedTest // case S18
  @CsvSource(
      delimiter = '|',
      value = {
        "99999999999 | user 99999999999",
        "4294967296 | user 4294967296",
        "2147483648 | user 2147483648",
        "-1 | user -1",
        "99999999999999999999999 | user 99999999999999999999999",
        "0:4294967297 | group 4294967297",
        "0:-1 | group -1",
        "wide | user 4294967294",
        "widegroup | group 4294967294",
        "0:far | group 2147483648",
        "dave | group 2147483648",
      })
  void find_whatIsOutOfRange_isAnError(String text, String what) {
    assertEquals(
        what + ": not between 0 and 2147483647",
        assertThrows(BerthException.InvalidArgument.class, () -> DECEIVING.find(text, List.of()))
            .getMessage());
  }

  @Test // case S18
  void find_aGroupOutOfRange_isAnError() {
    for (String group : List.of("4294967297", "-1", "far")) {
      assertThrows(
          BerthException.InvalidArgument.class, () -> DECEIVING.find("0", List.of(group)), group);
    }
  }

  /** Some files are made to harm the reader. */
  @Test // case S18
  void find_inHostileFiles() {
    UserDatabase many =
        database(
            "u:x:1:1::/:\n".repeat(100_000) + "last:x:2:2::/last:\n", "g:x:1:u\n".repeat(100_000));
    assertEquals(new ContainerUser(2, 2, List.of(2), "/last"), many.find("last", List.of()));
    assertEquals(List.of(1), many.find("u", List.of()).groups());
    StringBuilder group = new StringBuilder();
    for (int gid = 1; gid <= 65_536; gid++) {
      group.append("g").append(gid).append(":x:").append(gid).append(":u\n");
    }
    UserDatabase full = database("u:x:1:1::/:\nv:x:2:0::/:\n", group.toString());
    assertEquals(65_536, full.find("u", List.of()).groups().size());
    assertEquals(
        "user u: in more than 65536 groups",
        assertThrows(BerthException.InvalidArgument.class, () -> full.find("u", List.of("70000")))
            .getMessage());
    assertEquals(
        "unable to find user a b: no matching entries in passwd file",
        assertThrows(BerthException.InvalidArgument.class, () -> full.find("a\033b", List.of()))
            .getMessage());
  }

  @Test
  void find_withoutFiles() {
    UserDatabase empty = new UserDatabase(new byte[0], new byte[0]);
    assertEquals(new ContainerUser(0, 0, List.of(0), "/root"), empty.find("", List.of()));
    assertEquals(new ContainerUser(7, 8, List.of(8), "/"), empty.find("7:8", List.of()));
  }
}
