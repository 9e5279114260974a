package io.berth.linux;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** The few instructions of the kernel's BPF machine that {@link DeviceFilter} needs. */
final class BpfAssembler {
  static final int INSTRUCTION_BYTES = 8;

  static final int BPF_LDX_MEM_W = 0x61;
  static final int BPF_ALU64_AND_K = 0x57;
  static final int BPF_ALU64_RSH_K = 0x77;
  static final int BPF_ALU64_MOV_X = 0xbf;
  static final int BPF_ALU64_MOV_K = 0xb7;
  static final int BPF_JMP_JEQ_K = 0x15;
  static final int BPF_JMP_JNE_K = 0x55;
  static final int BPF_JMP_EXIT = 0x95;

  /** One instruction; a jump names its label until the program is built. */
  private record Instruction(int code, int target, int source, int offset, int value) {}

  private final List<Instruction> instructions = new ArrayList<>();
  private final List<Integer> places = new ArrayList<>();

  /** Loads 32 bits of memory from an offset behind the address in a register. */
  BpfAssembler load(int target, int address, int offset) {
    return add(BPF_LDX_MEM_W, target, address, offset, 0);
  }

  BpfAssembler move(int target, int source) {
    return add(BPF_ALU64_MOV_X, target, source, 0, 0);
  }

  /** Masks a register with a value, which is extended to 64 bits by its sign. */
  BpfAssembler and(int target, int value) {
    return add(BPF_ALU64_AND_K, target, 0, 0, value);
  }

  BpfAssembler shiftRight(int target, int bits) {
    return add(BPF_ALU64_RSH_K, target, 0, 0, bits);
  }

  /** A new label. Jumps lead forwards only, so it is placed behind those that lead to it. */
  int label() {
    places.add(-1);
    return places.size() - 1;
  }

  /** Places a label in front of the next instruction. */
  void place(int label) {
    places.set(label, instructions.size());
  }

  BpfAssembler jumpIf(int register, int value, int label) {
    return add(BPF_JMP_JEQ_K, register, 0, label, value);
  }

  BpfAssembler jumpUnless(int register, int value, int label) {
    return add(BPF_JMP_JNE_K, register, 0, label, value);
  }

  BpfAssembler returning(int value) {
    return add(BPF_ALU64_MOV_K, 0, 0, 0, value).add(BPF_JMP_EXIT, 0, 0, 0, 0);
  }

  private BpfAssembler add(int code, int target, int source, int offset, int value) {
    instructions.add(new Instruction(code, target, source, offset, value));
    return this;
  }

  /** The instructions as bpf(2) takes them. */
  byte[] build() {
    ByteBuffer out =
        ByteBuffer.allocate(instructions.size() * INSTRUCTION_BYTES).order(ByteOrder.nativeOrder());
    boolean little = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;
    for (int i = 0; i < instructions.size(); i++) {
      Instruction each = instructions.get(i);
      int offset = isJump(each.code) ? places.get(each.offset) - i - 1 : each.offset;
      int registers = little ? each.source << 4 | each.target : each.target << 4 | each.source;
      out.put((byte) each.code).put((byte) registers).putShort((short) offset).putInt(each.value);
    }
    return out.array();
  }

  private static boolean isJump(int code) {
    return code == BPF_JMP_JEQ_K || code == BPF_JMP_JNE_K;
  }

  /** A program as text in the notation of the kernel's documents, each line with its number. */
  static String listing(byte[] program) {
    StringBuilder text = new StringBuilder();
    ByteBuffer in = ByteBuffer.wrap(program).order(ByteOrder.nativeOrder());
    for (int i = 0; in.hasRemaining(); i++) {
      int code = in.get() & 0xff;
      int registers = in.get() & 0xff;
      int offset = in.getShort();
      int value = in.getInt();
      boolean little = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;
      String target = "r" + (little ? registers & 15 : registers >> 4);
      String source = "r" + (little ? registers >> 4 : registers & 15);
      String to = " goto " + (i + 1 + offset);
      text.append(i).append(": ");
      text.append(
          switch (code) {
            case BPF_LDX_MEM_W -> target + " = *(u32 *)(" + source + " + " + offset + ")";
            case BPF_ALU64_MOV_X -> target + " = " + source;
            case BPF_ALU64_MOV_K -> target + " = " + value;
            case BPF_ALU64_AND_K -> target + " &= " + value;
            case BPF_ALU64_RSH_K -> target + " >>= " + value;
            case BPF_JMP_JEQ_K -> "if " + target + " == " + value + to;
            case BPF_JMP_JNE_K -> "if " + target + " != " + value + to;
            case BPF_JMP_EXIT -> "exit";
            default -> throw new IllegalStateException("instruction " + code);
          });
      text.append('\n');
    }
    return text.toString();
  }
}
