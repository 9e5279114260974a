package io.berth.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.berth.linux.Seccomp.Comparison;
import io.berth.linux.Seccomp.Operator;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Runs compiled filters in a small interpreter, for a loaded filter would stay on the test's
 * process.
 */
final class SeccompTest {
  private static final int EPERM = Seccomp.failWith(1);

  @BeforeEach
  void needsTheLibrary() {
    assumeTrue(Seccomp.isAvailable(), "libseccomp is not installed");
  }

  @Test
  void rulesDecideByNameAndArguments() throws Exception {
    byte[] program;
    int arch = Seccomp.nativeArchitecture();
    try (Seccomp.Filter filter = Seccomp.filter(EPERM)) {
      filter.optimizeAsTree();
      assertTrue(filter.addRule(Seccomp.SCMP_ACT_ALLOW, "read", List.of()));
      assertTrue(filter.addRule(Seccomp.failWith(38), "clone3", List.of()));
      assertTrue(
          filter.addRule(
              Seccomp.SCMP_ACT_ALLOW,
              "personality",
              List.of(new Comparison(0, Operator.EQ, 0x20008, 0))));
      assertTrue(
          filter.addRule(
              Seccomp.SCMP_ACT_ALLOW,
              "clone",
              List.of(new Comparison(0, Operator.MASKED_EQ, 0x7e020000L, 0))));
      assertFalse(filter.addRule(Seccomp.SCMP_ACT_ALLOW, "no_such_call", List.of()));
      SyscallException e =
          assertThrows(SyscallException.class, () -> filter.addRule(EPERM, "write", List.of()));
      assertEquals(Errno.EACCES, e.errno());
      program = filter.compile();
    }
    assertEquals(Seccomp.SCMP_ACT_ALLOW, run(program, arch, Sys.READ));
    assertEquals(EPERM, run(program, arch, Sys.WRITE));
    assertEquals(Seccomp.failWith(38), run(program, arch, number("clone3")));
    assertEquals(Seccomp.SCMP_ACT_ALLOW, run(program, arch, number("personality"), 0x20008));
    assertEquals(EPERM, run(program, arch, number("personality"), 0x20009));
    assertEquals(Seccomp.SCMP_ACT_ALLOW, run(program, arch, number("clone"), 0x11));
    assertEquals(EPERM, run(program, arch, number("clone"), 0x10000011));
    int other = Seccomp.architecture(Arch.ARM64 ? "x86_64" : "aarch64").orElseThrow();
    assertEquals(Seccomp.SCMP_ACT_KILL_THREAD, run(program, other, 0));
  }

  /** A list of allowed values of an int holds on every architecture that a profile names. */
  @Test
  void aMaskedComparison_readsOnlyTheLowerHalf() throws Exception { // case S8
    assumeTrue(!Arch.ARM64);
    int x86 = Seccomp.architecture("x86").orElseThrow();
    int x32 = Seccomp.architecture("x32").orElseThrow();
    Set<Integer> families = Set.of(1, 2, 10, 16, 17);
    byte[] program;
    try (Seccomp.Filter filter = Seccomp.filter(EPERM)) {
      filter.optimizeAsTree().addArchitecture(x86).addArchitecture(x32);
      for (long family : families) {
        for (String call : List.of("socket", "socketpair")) {
          assertTrue(
              filter.addRule(
                  Seccomp.SCMP_ACT_ALLOW,
                  call,
                  List.of(new Comparison(0, Operator.MASKED_EQ, 0xffffffffL, family))));
        }
      }
      program = filter.compile();
    }
    int amd64 = Seccomp.nativeArchitecture();
    for (String call : List.of("socket", "socketpair")) {
      for (int family = 0; family < 64; family++) {
        int expected = families.contains(family) ? Seccomp.SCMP_ACT_ALLOW : EPERM;
        for (long high : List.of(0L, 1L << 32, 1L << 63, -1L << 32)) {
          long value = high | family;
          String what = call + " 0x" + Long.toHexString(value);
          assertEquals(expected, run(program, amd64, number(call), value), what);
          // x32 has amd64's numbers with a bit of its own, and its identity.
          assertEquals(expected, run(program, amd64, 0x40000000 | number(call), value), what);
        }
        int direct = call.equals("socket") ? 359 : 360;
        assertEquals(expected, run(program, x86, direct, family), call + " " + family);
      }
    }
  }

  /** What a filter says of a call must not depend on whether libseccomp has a name for it. */
  @Test
  void callsNewerThanTheLibrary_areToldByNumber() throws Exception { // case S9
    assumeTrue(!Arch.ARM64);
    int x86 = Seccomp.architecture("x86").orElseThrow();
    int x32 = Seccomp.architecture("x32").orElseThrow();
    int unknown = Seccomp.failWith(Errno.ENOSYS.number());
    byte[] program;
    try (Seccomp.Filter filter = Seccomp.filter(EPERM).failNewerCalls()) {
      filter.optimizeAsTree().addArchitecture(x86).addArchitecture(x32);
      for (String name : List.of("read", "mseal", "getxattrat", "file_getattr")) {
        assertTrue(filter.addRule(Seccomp.SCMP_ACT_ALLOW, name, List.of()), name);
      }
      program = filter.compile();
    }
    for (int arch : new int[] {Seccomp.nativeArchitecture(), x86}) {
      for (int number : new int[] {462, 464, 468}) {
        assertEquals(Seccomp.SCMP_ACT_ALLOW, run(program, arch, number), "" + number);
      }
      for (int number : new int[] {425, 457, 463, 467}) {
        assertEquals(EPERM, run(program, arch, number), "" + number);
      }
      for (int number : new int[] {469, 1000, 0x3fffffff}) {
        assertEquals(unknown, run(program, arch, number), "" + number);
      }
      assertEquals(EPERM, run(program, arch, -1));
    }
    int amd64 = Seccomp.nativeArchitecture();
    assertEquals(Seccomp.SCMP_ACT_ALLOW, run(program, amd64, 0x40000000 | 462));
    assertEquals(unknown, run(program, amd64, 0x40000000 | 469));
    assertEquals(EPERM, run(program, amd64, 0x40000000 | 463));
  }

  @Test
  void withoutAWordOnNewerCalls_theDefaultHoldsForThem() throws Exception {
    try (Seccomp.Filter filter = Seccomp.filter(Seccomp.SCMP_ACT_ALLOW)) {
      assertTrue(filter.addRule(EPERM, "mseal", List.of()));
      byte[] program = filter.compile();
      int arch = Seccomp.nativeArchitecture();
      assertEquals(EPERM, run(program, arch, 462));
      assertEquals(Seccomp.SCMP_ACT_ALLOW, run(program, arch, 1000));
    }
    try (Seccomp.Filter nothing = Seccomp.filter(EPERM).failNewerCalls()) {
      assertEquals(EPERM, run(nothing.compile(), Seccomp.nativeArchitecture(), 1000));
    }
  }

  @Test
  void conditionsOnANewCall_compareAllSixtyFourBits() throws Exception {
    long limit = 0x1_0000_0005L;
    List<Long> values = List.of(0L, 5L, 0x1_0000_0004L, limit, 0x1_0000_0006L, 0x2_0000_0000L, -1L);
    for (Operator operator : Operator.values()) {
      boolean masked = operator == Operator.MASKED_EQ;
      Comparison comparison =
          masked
              ? new Comparison(2, operator, 0xf_0000_000fL, limit)
              : new Comparison(2, operator, limit, 0);
      byte[] program;
      try (Seccomp.Filter filter = Seccomp.filter(EPERM)) {
        assertTrue(filter.addRule(Seccomp.SCMP_ACT_ALLOW, "mseal", List.of(comparison)));
        assertTrue(filter.addRule(Seccomp.SCMP_ACT_LOG, "getxattrat", List.of()));
        program = filter.compile();
      }
      for (long value : values) {
        int order = Long.compareUnsigned(value, limit);
        boolean holds =
            switch (operator) {
              case NE -> order != 0;
              case LT -> order < 0;
              case LE -> order <= 0;
              case EQ -> order == 0;
              case GE -> order >= 0;
              case GT -> order > 0;
              case MASKED_EQ -> (value & 0xf_0000_000fL) == limit;
            };
        int arch = Seccomp.nativeArchitecture();
        assertEquals(
            holds ? Seccomp.SCMP_ACT_ALLOW : EPERM,
            run(program, arch, 462, 0, 0, value),
            operator + " 0x" + Long.toHexString(value));
        assertEquals(Seccomp.SCMP_ACT_LOG, run(program, arch, 464, 0, 0, value));
      }
    }
  }

  @Test
  void furtherArchitecturesHaveTheirOwnNumbers() throws Exception {
    assumeTrue(!Arch.ARM64);
    int x86 = Seccomp.architecture("x86").orElseThrow();
    try (Seccomp.Filter filter = Seccomp.filter(Seccomp.SCMP_ACT_ALLOW)) {
      filter.addArchitecture(x86).addArchitecture(x86);
      assertTrue(filter.addRule(EPERM, "mkdir", List.of()));
      byte[] program = filter.compile();
      int number = Seccomp.number(x86, "mkdir").orElseThrow();
      assertEquals(39, number);
      assertEquals(EPERM, run(program, x86, number));
      assertEquals(Seccomp.SCMP_ACT_ALLOW, run(program, Seccomp.nativeArchitecture(), 39));
    }
  }

  @Test
  void namesAreResolved() {
    assertEquals(Sys.OPENAT2, number("openat2"));
    assertTrue(Seccomp.architecture("nonsense").isEmpty());
    assertTrue(Seccomp.version().orElseThrow().matches("\\d+\\.\\d+\\.\\d+"));
  }

  private static int number(String name) {
    return Seccomp.number(Seccomp.nativeArchitecture(), name).orElseThrow();
  }

  /**
   * Classic BPF over struct seccomp_data {int nr; u32 arch; u64 ip; u64 args[6]}, as far as filters
   * use it.
   */
  private static int run(byte[] program, int arch, int syscall, long... arguments) {
    ByteBuffer data = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
    data.putInt(syscall).putInt(arch).putLong(0);
    for (long argument : arguments) {
      data.putLong(argument);
    }
    ByteBuffer code = ByteBuffer.wrap(program).order(ByteOrder.LITTLE_ENDIAN);
    int a = 0;
    int pc = 0;
    while (true) {
      int op = Short.toUnsignedInt(code.getShort(8 * pc));
      int jt = Byte.toUnsignedInt(code.get(8 * pc + 2));
      int jf = Byte.toUnsignedInt(code.get(8 * pc + 3));
      int k = code.getInt(8 * pc + 4);
      pc++;
      switch (op) {
        case 0x20 -> a = data.getInt(k);
        case 0x54 -> a &= k;
        case 0x05 -> pc += k;
        case 0x15 -> pc += a == k ? jt : jf;
        case 0x25 -> pc += Integer.compareUnsigned(a, k) > 0 ? jt : jf;
        case 0x35 -> pc += Integer.compareUnsigned(a, k) >= 0 ? jt : jf;
        case 0x06 -> {
          return k;
        }
        default -> throw new AssertionError("instruction 0x" + Integer.toHexString(op));
      }
    }
  }
}
