package io.berth.containerd.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.api.berth.container.v1.HostConfig;
import io.berth.base.error.BerthException;
import io.berth.oci.runtime.Linux.Seccomp;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

final class SeccompProfilesTest {
  private static final SeccompProfiles PROFILES = new SeccompProfiles("x86_64");

  @Test
  void whatIsAllowed_dependsOnCapabilities() {
    Seccomp few = profile("", Set.of());
    assertTrue(allows(few, "read"));
    assertFalse(allows(few, "mount"));
    assertFalse(allows(few, "chroot"));
    assertFalse(allows(few, "keyctl"));
    assertFalse(allows(few, "io_uring_setup"));
    assertEquals(38, rule(few, "clone3").errnoRet(), "so that the C library takes clone");
    assertEquals(1, rule(few, "clone").args().size(), "without namespaces");
    Seccomp admin = profile("", Set.of("CAP_SYS_ADMIN", "CAP_SYS_CHROOT"));
    assertTrue(allows(admin, "mount"));
    assertTrue(allows(admin, "chroot"));
    assertEquals(List.of(), rule(admin, "clone").args());
    assertTrue(allows(admin, "clone3"));
  }

  @Test // case S8
  void addressFamilies_areAListAndReadAsTheKernelReadsThem() {
    Set<Long> ordinary = Set.of(1L, 2L, 10L, 16L, 17L);
    Set<Long> configuring = new TreeSet<>(ordinary);
    configuring.addAll(List.of(15L, 24L, 29L, 31L, 44L));
    for (String call : List.of("socket", "socketpair")) {
      assertEquals(ordinary, allowed(profile("", CapabilityRules.DEFAULT), call, 64), call);
      assertEquals(ordinary, allowed(profile("", Set.of("CAP_SYS_ADMIN")), call, 64), call);
      assertEquals(configuring, allowed(profile("", Set.of("CAP_NET_ADMIN")), call, 64), call);
    }
  }

  // No rule of ours looks at bits that the kernel does not.
  @Test // case S8
  void noRuleOfOurs_readsMoreThan32BitsOfAnArgument() {
    for (Set<String> capabilities : List.of(Set.<String>of(), Set.of("CAP_NET_ADMIN"))) {
      for (Seccomp.Rule rule : profile("", capabilities).syscalls()) {
        for (Seccomp.Argument argument : rule.args()) {
          assertEquals("SCMP_CMP_MASKED_EQ", argument.op(), rule.toString());
          assertEquals(0, argument.value() >>> 32, rule.toString());
          assertEquals(0, argument.valueTwo() & ~argument.value(), rule.toString());
        }
      }
    }
    Seccomp few = profile("", Set.of());
    assertEquals(Set.of(0L, 8L), allowed(few, "personality", 0x1000));
    for (long domain : List.of(0x20000L, 0x20008L, 0xffffffffL, 0x1ffffffffL, -1L)) {
      assertTrue(allows(few, "personality", domain), Long.toHexString(domain));
    }
    assertFalse(allows(few, "personality", 0x400000));
    // CLONE_NEWUSER, alone and with bits that clone(2) does not read.
    assertTrue(allows(few, "clone", 0xffffffff_00000011L));
    assertFalse(allows(few, "clone", 0x10000011));
    assertFalse(allows(few, "clone", 0xffffffff_10000011L));
  }

  @Test
  void conditionsThatCannotBeMeant_areRefused() {
    for (String condition : List.of("0==0x100000000", "0&0x100000000==0", "0&1==2", "0!=1")) {
      assertThrows(
          RuntimeException.class,
          () -> SeccompGroup.parse("allow when " + condition + ":\n  read\n"),
          condition);
    }
    assertEquals(4, SeccompGroup.parse("allow when 0==1,2 when 1&0xf==3,4:\n  read\n").size());
  }

  @Test
  void whatIsAllowed_dependsOnTheMachine() {
    assertTrue(allows(profile("", Set.of()), "arch_prctl"));
    Seccomp arm = new SeccompProfiles("aarch64").of("", Set.of());
    assertNotNull(arm);
    assertFalse(allows(arm, "arch_prctl"));
    assertTrue(allows(arm, "sync_file_range2"));
    assertEquals(List.of("SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"), arm.architectures());
  }

  @Test
  void unconfinedAndPrivileged_haveNone() {
    assertNull(PROFILES.of("unconfined", Set.of()));
    assertNull(
        Requests.generate(HostConfig.newBuilder().setPrivileged(true).build())
            .spec()
            .linux()
            .seccomp());
  }

  @Test
  void aProfileOfTheRuntimesForm_isTakenAsItIs() {
    Seccomp own =
        profile(
            """
            {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86"],
             "flags": ["SECCOMP_FILTER_FLAG_LOG"],
             "listenerPath": "/run/listener", "listenerMetadata": "of the test",
             "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13,
               "args": [{"index": 1, "value": 18446744073709551615, "op": "SCMP_CMP_EQ"}, null]},
               null]}
            """,
            Set.of());
    assertEquals(
        new Seccomp(
            "SCMP_ACT_ALLOW",
            null,
            List.of("SCMP_ARCH_X86"),
            List.of("SECCOMP_FILTER_FLAG_LOG"),
            "/run/listener",
            "of the test",
            List.of(
                new Seccomp.Rule(
                    List.of("mkdir"),
                    "SCMP_ACT_ERRNO",
                    13,
                    List.of(new Seccomp.Argument(1, -1, 0, "SCMP_CMP_EQ"))))),
        own);
  }

  @Test
  void aProfileOfDockersForm_isResolved() {
    String text =
        """
        {"defaultAction": "SCMP_ACT_ERRNO",
         "archMap": [{"architecture": "SCMP_ARCH_AARCH64"},
                     {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}],
         "syscalls": [
           {"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {}, "excludes": {}},
           {"names": ["mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
           {"name": "clone", "action": "SCMP_ACT_ALLOW", "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
           {"names": ["set_tls"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["arm64"]}},
           {"names": ["iopl"], "action": "SCMP_ACT_ALLOW", "excludes": {"arches": ["arm64"]}}]}
        """;
    Seccomp plain = profile(text, Set.of());
    assertEquals(List.of("SCMP_ARCH_X86_64", "SCMP_ARCH_X86"), plain.architectures());
    assertEquals(
        List.of(List.of("read"), List.of("clone"), List.of("iopl")),
        plain.syscalls().stream().map(Seccomp.Rule::names).toList());
    assertEquals(
        List.of(List.of("read"), List.of("mount"), List.of("iopl")),
        profile(text, Set.of("CAP_SYS_ADMIN")).syscalls().stream()
            .map(Seccomp.Rule::names)
            .toList());
  }

  @Test
  void whatIsNoProfile_isRefused() {
    for (String text :
        List.of(
            "strict",
            "{}",
            "[]",
            "{\"defaultAction\": 5, \"syscalls\": 7}",
            "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [{\"names\": [\"a\"]}]}",
            "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [{\"action\": \"x\"}]}",
            "{\"defaultAction\": \"A\", \"architectures\": [\"x\"], \"archMap\": [{}]}")) {
      BerthException e =
          assertThrows(
              BerthException.InvalidArgument.class, () -> PROFILES.of(text, Set.of()), text);
      assertFalse(e.getMessage().contains("\n"), e.getMessage());
    }
  }

  private static Seccomp profile(String wish, Set<String> capabilities) {
    Seccomp profile = PROFILES.of(wish, capabilities);
    assertNotNull(profile);
    return profile;
  }

  private static boolean allows(Seccomp profile, String call) {
    return profile.syscalls().stream()
        .anyMatch(rule -> rule.names().contains(call) && rule.action().equals("SCMP_ACT_ALLOW"));
  }

  /** The values below a bound that are allowed; the same with bits above the lower 32. */
  private static Set<Long> allowed(Seccomp profile, String call, long bound) {
    Set<Long> result = new TreeSet<>();
    for (long value = 0; value < bound; value++) {
      boolean allowed = allows(profile, call, value);
      for (long high : List.of(1L << 32, 1L << 63, -1L << 32)) {
        assertEquals(allowed, allows(profile, call, high | value), call + " " + value);
      }
      if (allowed) {
        result.add(value);
      }
    }
    return result;
  }

  /** With this as first argument, as libseccomp compares it. */
  private static boolean allows(Seccomp profile, String call, long argument) {
    return profile.syscalls().stream()
        .filter(rule -> rule.names().contains(call) && rule.action().equals("SCMP_ACT_ALLOW"))
        .anyMatch(rule -> rule.args().stream().allMatch(wanted -> fits(wanted, argument)));
  }

  private static boolean fits(Seccomp.Argument wanted, long argument) {
    return switch (wanted.op()) {
      case "SCMP_CMP_MASKED_EQ" -> (argument & wanted.value()) == wanted.valueTwo();
      case "SCMP_CMP_NE" -> argument != wanted.value();
      case "SCMP_CMP_EQ" -> argument == wanted.value();
      default -> throw new AssertionError(wanted.op());
    };
  }

  private static Seccomp.Rule rule(Seccomp profile, String call) {
    return profile.syscalls().stream()
        .filter(rule -> rule.names().contains(call))
        .findFirst()
        .orElseThrow();
  }
}
