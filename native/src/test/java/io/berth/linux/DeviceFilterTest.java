package io.berth.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.linux.DeviceFilter.Kind;
import io.berth.linux.DeviceFilter.Rule;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Programs for the devices of a cgroup: their instructions, and what they decide. */
final class DeviceFilterTest {
  private static final long ANY = DeviceFilter.ANY_NUMBER;
  private static final int RWM = DeviceFilter.ALL_RIGHTS;
  private static final List<Kind> KINDS = List.of(Kind.BLOCK, Kind.CHARACTER, Kind.ANY);

  @Test
  void withoutRulesNothingIsAllowed() {
    assertEquals(
        """
        0: r2 = *(u32 *)(r1 + 0)
        1: r3 = r2
        2: r3 >>= 16
        3: r2 &= 65535
        4: r4 = *(u32 *)(r1 + 4)
        5: r5 = *(u32 *)(r1 + 8)
        6: r0 = 0
        7: exit
        """,
        DeviceFilter.of(List.of()).listing());
  }

  @Test
  void rulesAreTriedFromTheLastOn() {
    DeviceFilter filter =
        DeviceFilter.of(
            List.of(
                new Rule(true, Kind.BLOCK, 9, ANY, RWM),
                new Rule(false, Kind.ANY, ANY, ANY, RWM),
                new Rule(true, Kind.CHARACTER, 1, 3, RWM),
                new Rule(false, Kind.BLOCK, 8, ANY, DeviceFilter.WRITE)));
    assertEquals(
        """
        0: r2 = *(u32 *)(r1 + 0)
        1: r3 = r2
        2: r3 >>= 16
        3: r2 &= 65535
        4: r4 = *(u32 *)(r1 + 4)
        5: r5 = *(u32 *)(r1 + 8)
        6: if r2 != 1 goto 13
        7: if r4 != 8 goto 13
        8: r0 = r3
        9: r0 &= 4
        10: if r0 == 0 goto 13
        11: r0 = 0
        12: exit
        13: if r2 != 2 goto 20
        14: if r4 != 1 goto 20
        15: if r5 != 3 goto 20
        16: r3 &= -8
        17: if r3 != 0 goto 20
        18: r0 = 1
        19: exit
        20: r0 = 0
        21: exit
        """,
        filter.listing());
  }

  @Test
  void allOfThemAreAllowedByOneRule() {
    DeviceFilter filter = DeviceFilter.of(List.of(new Rule(true, Kind.ANY, ANY, ANY, RWM)));
    assertTrue(filter.listing().endsWith("6: r0 = 1\n7: exit\n"), filter.listing());
  }

  @Test
  void tooManyRulesAndSuchWithoutRightsAreRefused() {
    List<Rule> many = new ArrayList<>();
    for (int i = 0; i < 501; i++) {
      many.add(new Rule(true, Kind.BLOCK, i, ANY, RWM));
    }
    assertThrows(IllegalArgumentException.class, () -> DeviceFilter.of(many));
    many.set(400, new Rule(false, Kind.ANY, ANY, ANY, RWM));
    DeviceFilter.of(many);
    assertThrows(
        IllegalArgumentException.class,
        () -> DeviceFilter.of(List.of(new Rule(true, Kind.BLOCK, 1, 1, 0))));
  }

  /** Each right by the last rule that speaks of it, computed without any program. */
  private static boolean allowed(List<Rule> rules, Kind kind, long major, long minor, int wanted) {
    for (int right = 1; right <= DeviceFilter.WRITE; right <<= 1) {
      boolean allowed = false;
      for (Rule rule : rules) {
        if ((rule.kind() == Kind.ANY || rule.kind() == kind)
            && (rule.major() == ANY || rule.major() == major)
            && (rule.minor() == ANY || rule.minor() == minor)
            && (rule.rights() & right) != 0) {
          allowed = rule.allow();
        }
      }
      if ((wanted & right) != 0 && !allowed) {
        return false;
      }
    }
    return true;
  }

  /** The machine, as far as these programs use it. */
  private static long run(byte[] program, int first, int major, int minor) {
    ByteBuffer code = ByteBuffer.wrap(program).order(ByteOrder.nativeOrder());
    long[] r = new long[11];
    int[] context = {first, major, minor};
    for (int at = 0; ; at++) {
      int op = code.get(at * 8) & 0xff;
      int to = code.get(at * 8 + 1) & 15;
      int from = code.get(at * 8 + 1) >> 4 & 15;
      int offset = code.getShort(at * 8 + 2);
      long value = code.getInt(at * 8 + 4);
      switch (op) {
        case BpfAssembler.BPF_LDX_MEM_W -> r[to] = context[offset / 4] & 0xffffffffL;
        case BpfAssembler.BPF_ALU64_MOV_X -> r[to] = r[from];
        case BpfAssembler.BPF_ALU64_MOV_K -> r[to] = value;
        case BpfAssembler.BPF_ALU64_AND_K -> r[to] &= value;
        case BpfAssembler.BPF_ALU64_RSH_K -> r[to] >>>= value;
        case BpfAssembler.BPF_JMP_JEQ_K -> at += r[to] == value ? offset : 0;
        case BpfAssembler.BPF_JMP_JNE_K -> at += r[to] != value ? offset : 0;
        case BpfAssembler.BPF_JMP_EXIT -> {
          return r[0];
        }
        default -> throw new AssertionError("instruction " + op);
      }
    }
  }

  @Test
  void programsDecideAsTheRulesSay() {
    Random random = new Random(20251);
    long[] numbers = {ANY, ANY, 0, 1, 3, 5_000_000_000L};
    for (int round = 0; round < 2000; round++) {
      List<Rule> rules = new ArrayList<>();
      for (int i = random.nextInt(8); i > 0; i--) {
        rules.add(
            new Rule(
                random.nextBoolean(),
                KINDS.get(random.nextInt(KINDS.size())),
                numbers[random.nextInt(numbers.length)],
                numbers[random.nextInt(numbers.length)],
                1 + random.nextInt(RWM)));
      }
      byte[] program = DeviceFilter.of(rules).program();
      for (int wanted = 1; wanted <= RWM; wanted++) {
        int major = random.nextInt(4);
        int minor = random.nextInt(4);
        boolean block = random.nextBoolean();
        boolean expected =
            allowed(rules, block ? Kind.BLOCK : Kind.CHARACTER, major, minor, wanted);
        long decided = run(program, wanted << 16 | (block ? 1 : 2), major, minor);
        assertEquals(expected ? 1 : 0, decided, rules + " asked for " + wanted);
      }
    }
  }
}
