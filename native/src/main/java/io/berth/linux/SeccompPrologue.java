package io.berth.linux;

import io.berth.linux.Seccomp.Comparison;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Classic BPF that stands before a filter which libseccomp has compiled: it decides on system calls
 * that the library has no name for, and answers ENOSYS for those that are newer than everything the
 * profile names, as a kernel would that has not got them. Whatever it does not decide goes on to
 * the library's part. A C library tries new calls first and takes an older one on ENOSYS, while
 * EPERM is final for it.
 */
final class SeccompPrologue {
  /** Above it are the numbers of x32, which shares its audit architecture with x86_64. */
  static final int X32_BIT = 0x40000000;

  private static final int LOAD = 0x20;
  private static final int AND = 0x54;
  private static final int JUMP = 0x05;
  private static final int IF_EQUAL = 0x15;
  private static final int IF_GREATER = 0x25;
  private static final int IF_NOT_LESS = 0x35;
  private static final int RETURN = 0x06;

  /** Offsets in {@code struct seccomp_data}; of an argument the lower half comes first. */
  private static final int NUMBER = 0;

  private static final int ARCHITECTURE = 4;
  private static final int ARGUMENTS = 16;

  private static final int X86_64 = 0xc000003e;
  private static final int X32 = 0x4000003e;

  /** A rule on a number; all comparisons must hold. */
  record Rule(int number, int action, List<Comparison> comparisons) {}

  private record Instruction(int code, int ifTrue, int ifFalse, int value) {}

  /** A place to jump to, known once the code before it is written. */
  private static final class Label {
    private final List<Integer> jumps = new ArrayList<>();
  }

  private final List<Instruction> code = new ArrayList<>();
  private final Label body = new Label();

  /**
   * Adds what holds for one architecture.
   *
   * @param token libseccomp's
   * @param newest the highest number that the profile names; what is above fails with ENOSYS; 0:
   *     nothing does
   */
  void add(int token, List<Rule> rules, int newest) {
    if (rules.isEmpty() && newest == 0) {
      return;
    }
    boolean x32 = token == X32;
    Label next = new Label();
    load(ARCHITECTURE);
    unless(IF_EQUAL, x32 ? X86_64 : token, next);
    load(NUMBER);
    if (x32) {
      unless(IF_NOT_LESS, X32_BIT, next);
      // The number -1 is what a tracer sets for a call that is not to be made.
      when(IF_EQUAL, -1, next);
    } else {
      when(IF_NOT_LESS, X32_BIT, next);
    }
    int least = newest == 0 ? Integer.MAX_VALUE : newest;
    for (Rule rule : rules) {
      least = Math.min(least, rule.number());
    }
    unless(IF_NOT_LESS, least, body);
    for (Rule rule : rules) {
      rule(rule);
    }
    if (newest != 0) {
      unless(IF_GREATER, newest, body);
      put(RETURN, Seccomp.failWith(Errno.ENOSYS.number()));
    } else {
      jump(body);
    }
    here(next);
  }

  private void rule(Rule rule) {
    Label other = new Label();
    unless(IF_EQUAL, rule.number(), other);
    for (Comparison comparison : rule.comparisons()) {
      compare(comparison, other);
    }
    put(RETURN, rule.action());
    here(other);
    if (!rule.comparisons().isEmpty()) {
      load(NUMBER);
    }
  }

  /** Goes on behind itself if the comparison holds. */
  private void compare(Comparison comparison, Label otherwise) {
    int low = ARGUMENTS + 8 * comparison.argument();
    long value =
        comparison.operator() == Seccomp.Operator.MASKED_EQ
            ? comparison.second()
            : comparison.value();
    int upper = (int) (value >>> 32);
    int lower = (int) value;
    Label holds = new Label();
    load(low + 4);
    switch (comparison.operator()) {
      case EQ -> {
        unless(IF_EQUAL, upper, otherwise);
        load(low);
        unless(IF_EQUAL, lower, otherwise);
      }
      case MASKED_EQ -> {
        put(AND, (int) (comparison.value() >>> 32));
        unless(IF_EQUAL, upper, otherwise);
        load(low);
        put(AND, (int) comparison.value());
        unless(IF_EQUAL, lower, otherwise);
      }
      case NE -> {
        unless(IF_EQUAL, upper, holds);
        load(low);
        when(IF_EQUAL, lower, otherwise);
      }
      case GT, GE -> {
        when(IF_GREATER, upper, holds);
        unless(IF_EQUAL, upper, otherwise);
        load(low);
        unless(
            comparison.operator() == Seccomp.Operator.GT ? IF_GREATER : IF_NOT_LESS,
            lower,
            otherwise);
      }
      case LT, LE -> {
        when(IF_GREATER, upper, otherwise);
        unless(IF_EQUAL, upper, holds);
        load(low);
        when(
            comparison.operator() == Seccomp.Operator.LT ? IF_NOT_LESS : IF_GREATER,
            lower,
            otherwise);
      }
    }
    here(holds);
  }

  private void load(int offset) {
    put(LOAD, offset);
  }

  private void put(int operation, int value) {
    code.add(new Instruction(operation, 0, 0, value));
  }

  private void when(int test, int value, Label label) {
    // A conditional jump reaches 255 instructions, the other one as far as a program can be.
    code.add(new Instruction(test, 0, 1, value));
    jump(label);
  }

  private void unless(int test, int value, Label label) {
    code.add(new Instruction(test, 1, 0, value));
    jump(label);
  }

  private void jump(Label label) {
    label.jumps.add(code.size());
    put(JUMP, 0);
  }

  private void here(Label label) {
    for (int jump : label.jumps) {
      code.set(jump, new Instruction(JUMP, 0, 0, code.size() - jump - 1));
    }
  }

  /** The whole filter. */
  byte[] before(byte[] library) {
    here(body);
    ByteBuffer program =
        ByteBuffer.allocate(8 * code.size() + library.length).order(ByteOrder.nativeOrder());
    for (Instruction instruction : code) {
      program
          .putShort((short) instruction.code())
          .put((byte) instruction.ifTrue())
          .put((byte) instruction.ifFalse())
          .putInt(instruction.value());
    }
    return program.put(library).array();
  }
}
