package io.berth.linux;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** bpf(2), as far as programs that decide about the devices of a cgroup need it. */
final class Bpf {
  static final int BPF_PROG_LOAD = 5;
  static final int BPF_PROG_ATTACH = 8;
  static final int BPF_PROG_DETACH = 9;
  static final int BPF_PROG_GET_FD_BY_ID = 13;
  static final int BPF_PROG_QUERY = 16;
  static final int BPF_PROG_TYPE_CGROUP_DEVICE = 15;
  static final int BPF_CGROUP_DEVICE = 6;
  static final int BPF_F_ALLOW_MULTI = 2;
  static final int BPF_F_REPLACE = 4;

  static final int LOAD_INSTRUCTION_COUNT = 4;
  static final int LOAD_INSTRUCTIONS = 8;
  static final int LOAD_LICENSE = 16;
  static final int LOAD_NAME = 48;
  static final int ATTACH_PROGRAM = 4;
  static final int ATTACH_TYPE = 8;
  static final int ATTACH_FLAGS = 12;
  static final int ATTACH_REPLACED = 16;
  static final int QUERY_TYPE = 4;
  static final int QUERY_PROGRAMS = 16;
  static final int QUERY_COUNT = 24;

  /** The size of as much of union bpf_attr as these commands use; bpf(2) takes the rest as zero. */
  static final int ATTRIBUTES_BYTES = 72;

  /** The kernel attaches at most 64 programs to a cgroup, BPF_CGROUP_MAX_PROGS. */
  private static final int MOST_ATTACHED = 64;

  private static final String NAME = "berth_devices";

  private Bpf() {}

  /** Loads a program, which the kernel checks first. */
  static Fd load(byte[] program, String subject) throws SyscallException {
    try (Frame f = Frame.open()) {
      MemorySegment a = f.allocate(ATTRIBUTES_BYTES);
      a.set(Libc.INT, 0, BPF_PROG_TYPE_CGROUP_DEVICE);
      a.set(Libc.INT, LOAD_INSTRUCTION_COUNT, program.length / BpfAssembler.INSTRUCTION_BYTES);
      a.set(Libc.LONG, LOAD_INSTRUCTIONS, f.bytes(program));
      // The program calls none of the kernel's functions that are reserved for GPL programs.
      a.set(Libc.LONG, LOAD_LICENSE, f.path("Apache-2.0"));
      MemorySegment.copy(
          MemorySegment.ofArray(NAME.getBytes(StandardCharsets.US_ASCII)),
          0,
          a,
          LOAD_NAME,
          NAME.length());
      long result = call(f, BPF_PROG_LOAD, a);
      return Fd.adopt(
          (int) Libc.check(result, "bpf(BPF_PROG_LOAD) for", subject), "program for " + subject);
    }
  }

  /** The numbers of the programs that are attached to this cgroup, not to one above. */
  static List<Integer> attached(Fd cgroup) throws SyscallException {
    try (Frame f = Frame.open()) {
      MemorySegment a = f.allocate(ATTRIBUTES_BYTES);
      MemorySegment ids = f.allocate(MOST_ATTACHED * 4L);
      a.set(Libc.INT, 0, cgroup.number());
      a.set(Libc.INT, QUERY_TYPE, BPF_CGROUP_DEVICE);
      a.set(Libc.LONG, QUERY_PROGRAMS, ids.address());
      a.set(Libc.INT, QUERY_COUNT, MOST_ATTACHED);
      Libc.check(call(f, BPF_PROG_QUERY, a), "bpf(BPF_PROG_QUERY)", cgroup.what());
      List<Integer> result = new ArrayList<>();
      for (int i = 0; i < Math.min(a.get(Libc.INT, QUERY_COUNT), MOST_ATTACHED); i++) {
        result.add(ids.get(Libc.INT, i * 4L));
      }
      return result;
    }
  }

  static Fd program(int id) throws SyscallException {
    try (Frame f = Frame.open()) {
      MemorySegment a = f.allocate(ATTRIBUTES_BYTES);
      a.set(Libc.INT, 0, id);
      long result = call(f, BPF_PROG_GET_FD_BY_ID, a);
      return Fd.adopt((int) Libc.check(result, "bpf(BPF_PROG_GET_FD_BY_ID)", id), "program " + id);
    }
  }

  static void attach(Fd cgroup, Fd program) throws SyscallException {
    change(BPF_PROG_ATTACH, "bpf(BPF_PROG_ATTACH)", cgroup, program, BPF_F_ALLOW_MULTI, 0);
  }

  /** Puts one program into the place of another, in one step. */
  static void replace(Fd cgroup, Fd program, Fd old) throws SyscallException {
    int flags = BPF_F_ALLOW_MULTI | BPF_F_REPLACE;
    change(BPF_PROG_ATTACH, "bpf(BPF_F_REPLACE)", cgroup, program, flags, old.number());
  }

  static void detach(Fd cgroup, Fd program) throws SyscallException {
    change(BPF_PROG_DETACH, "bpf(BPF_PROG_DETACH)", cgroup, program, 0, 0);
  }

  private static void change(
      int command, String call, Fd cgroup, Fd program, int flags, int replaced)
      throws SyscallException {
    try (Frame f = Frame.open()) {
      MemorySegment a = f.allocate(ATTRIBUTES_BYTES);
      a.set(Libc.INT, 0, cgroup.number());
      a.set(Libc.INT, ATTACH_PROGRAM, program.number());
      a.set(Libc.INT, ATTACH_TYPE, BPF_CGROUP_DEVICE);
      a.set(Libc.INT, ATTACH_FLAGS, flags);
      a.set(Libc.INT, ATTACH_REPLACED, replaced);
      Libc.check(call(f, command, a), call, cgroup.what());
    }
  }

  private static long call(Frame f, int command, MemorySegment attributes) {
    return Libc.call(f, Sys.BPF, command, attributes.address(), ATTRIBUTES_BYTES);
  }
}
