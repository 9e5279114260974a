package io.berth.base.id;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

// case S18
final class AccountFilesTest {
  private static List<AccountFiles.User> users(String passwd) {
    List<AccountFiles.User> seen = new ArrayList<>();
    assertNull(
        AccountFiles.user(
            passwd.getBytes(UTF_8),
            user -> {
              seen.add(user);
              return false;
            }));
    return seen;
  }

  private static List<AccountFiles.Group> groups(String group) {
    List<AccountFiles.Group> seen = new ArrayList<>();
    AccountFiles.groups(group.getBytes(UTF_8), seen::add);
    return seen;
  }

  @Test
  void lines() {
    assertEquals(
        List.of(
            new AccountFiles.User("root", 0, 0, "/root"),
            new AccountFiles.User("a", 1, 2, ""),
            new AccountFiles.User("b", 4294967295L, 9999999999L, "/b")),
        users(
            "root:x:0:0:root:/root:/bin/sh\r\n\n# c\na:x:1:2\n b::4294967295:9999999999:::/b"
                .replace(":::/b", "::/b:")));
    assertEquals(
        List.of(new AccountFiles.Group("g", 5, "a,b"), new AccountFiles.Group("h", 6, "")),
        groups("g:x:5:a,b\nh:x:6"));
    assertEquals(List.of(), users(""));
    assertEquals(List.of(), groups("\n\n"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "u:x:-1:0::/:",
        "u:x:0:-1::/:",
        "u:x:+1:0::/:",
        "u:x::0::/:",
        "u:x:0:::/:",
        "u:x:1e3:0::/:",
        "u:x:0x10:0::/:",
        "u:x: 1:0::/:",
        "u:x:\u0661:0::/:",
        "u:x:18446744073709551616:0::/:",
        "u\0:x:0:0::/:",
        "u:x:0:0::/\0LD_PRELOAD=/x:",
        ":x:0:0::/:",
        "u:x:0",
        "u",
        "::::::::::::",
      })
  void whatMakesNoSense_isPassedOver(String line) {
    assertEquals(
        List.of(new AccountFiles.User("next", 1, 1, "/")), users(line + "\nnext:x:1:1::/:"), line);
  }

  @Test
  void groupsThatMakeNoSense_arePassedOver() {
    assertEquals(
        List.of(new AccountFiles.Group("next", 1, "u")),
        groups("a:x:-1:u\nb:x::u\n:x:0:u\nc:x:99999999999:u\nd:x:0:u\0\nnext:x:1:u"));
  }

  @Test
  void aHomeLongerThanAPath_isPassedOver() {
    assertEquals(List.of(), users("u:x:0:0::/" + "h".repeat(4095) + ":"));
    assertEquals(1, users("u:x:0:0::/" + "h".repeat(4094) + ":").size());
  }

  @Test
  void members() {
    AccountFiles.Group group = new AccountFiles.Group("g", 1, "anna,bob,,carl");
    Stream.of("anna", "bob", "carl").forEach(name -> assertTrue(group.lists(name), name));
    Stream.of("ann", "nna", "bo", "arl", "bob,", "carl,x", "anna,bob")
        .forEach(name -> assertFalse(group.lists(name), name));
    assertFalse(new AccountFiles.Group("g", 1, "").lists("anna"));
  }

  @Test // CVE-2026-47262
  void hugeLinesAndFiles() {
    String wide = "x".repeat(AccountFiles.MAX_BYTES / 2);
    assertEquals(
        List.of(new AccountFiles.User("next", 1, 1, "/")),
        users(":".repeat(AccountFiles.MAX_BYTES / 2) + "\nnext:x:1:1::/:\n#" + wide));
    AccountFiles.Group group = groups("g:x:1:" + "a,".repeat(1 << 20) + "last\n").getFirst();
    assertTrue(group.lists("last"));
    assertFalse(group.lists("absent"));
  }

  @Test
  void numbers() {
    assertEquals(2147483647, UnixId.parse("user", "2147483647"));
    assertEquals(7, UnixId.parse("user", "+0000000000000000000000007"));
    assertEquals(0, UnixId.parse("user", "-0"));
    for (String number : List.of("2147483648", "-1", "4294967296", "9".repeat(30))) {
      assertTrue(UnixId.isNumber(number), number);
      BerthException e =
          assertThrows(BerthException.InvalidArgument.class, () -> UnixId.parse("user", number));
      assertEquals("user " + number + ": not between 0 and 2147483647", e.getMessage());
    }
    assertEquals(
        "user 18446744073709551615: not between 0 and 2147483647",
        assertThrows(BerthException.InvalidArgument.class, () -> UnixId.checked("user", -1))
            .getMessage());
    for (String name : List.of("", "-", "+", "root", "1a", "0x1", "1.5", "--1", "\u0661", " 1")) {
      assertFalse(UnixId.isNumber(name), name);
      assertThrows(BerthException.InvalidArgument.class, () -> UnixId.parse("user", name), name);
    }
  }
}
