package io.berth.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Compiles seccomp filters by libseccomp: it knows the syscall tables of all architectures. A
 * filter is made here, loaded elsewhere; compiling one of usual size takes some milliseconds, so it
 * belongs on a platform thread and its result into a cache.
 */
public final class Seccomp {
  /** Actions, as filters return them. */
  public static final int SCMP_ACT_KILL_PROCESS = 0x80000000;

  public static final int SCMP_ACT_KILL_THREAD = 0;
  public static final int SCMP_ACT_TRAP = 0x00030000;
  public static final int SCMP_ACT_NOTIFY = 0x7fc00000;
  public static final int SCMP_ACT_LOG = 0x7ffc0000;
  public static final int SCMP_ACT_ALLOW = 0x7fff0000;

  static final int SCMP_FLTATR_CTL_OPTIMIZE = 8;
  static final int SCMP_ARG_CMP_SIZE = 24;
  static final int SCMP_ARG_CMP_OP = 4;
  static final int SCMP_ARG_CMP_A = 8;
  static final int SCMP_ARG_CMP_B = 16;

  private static final int MAX_FILTER_BYTES = 8 * 4096 * 4;

  private static final Library LIBRARY = Library.of("libseccomp.so.2");

  private Seccomp() {}

  /** The functions, linked when the first filter is made. */
  private static final class Functions {
    static final MethodHandle INIT = of("seccomp_init", Libc.ADDRESS, Libc.INT);
    static final MethodHandle RELEASE =
        LIBRARY.function("seccomp_release", FunctionDescriptor.ofVoid(Libc.ADDRESS));
    static final MethodHandle ARCH_NAME = of("seccomp_arch_resolve_name", Libc.INT, Libc.ADDRESS);
    static final MethodHandle ARCH_NATIVE = of("seccomp_arch_native", Libc.INT);
    static final MethodHandle ARCH_ADD = of("seccomp_arch_add", Libc.INT, Libc.ADDRESS, Libc.INT);
    static final MethodHandle ATTRIBUTE =
        of("seccomp_attr_set", Libc.INT, Libc.ADDRESS, Libc.INT, Libc.INT);
    static final MethodHandle NUMBER =
        of("seccomp_syscall_resolve_name_arch", Libc.INT, Libc.INT, Libc.ADDRESS);
    static final MethodHandle RULE_ADD =
        of(
            "seccomp_rule_add_array",
            Libc.INT,
            Libc.ADDRESS,
            Libc.INT,
            Libc.INT,
            Libc.INT,
            Libc.ADDRESS);
    static final MethodHandle EXPORT = of("seccomp_export_bpf", Libc.INT, Libc.ADDRESS, Libc.INT);
    static final MethodHandle VERSION = of("seccomp_version", Libc.ADDRESS);

    private static MethodHandle of(String name, MemoryLayout result, MemoryLayout... parameters) {
      return LIBRARY.function(name, FunctionDescriptor.of(result, parameters));
    }
  }

  /** Whether libseccomp is installed; without it no filter can be made. */
  public static boolean isAvailable() {
    return LIBRARY.isPresent();
  }

  /** The library's version, like {@code 2.5.4}; empty if it is not installed. */
  // The pointer is the library's, to a struct of three numbers that lives as long as it does.
  @SuppressWarnings("restricted")
  public static Optional<String> version() {
    if (!isAvailable()) {
      return Optional.empty();
    }
    try {
      MemorySegment v = ((MemorySegment) Functions.VERSION.invokeExact()).reinterpret(12);
      return Optional.of(v.get(Libc.INT, 0) + "." + v.get(Libc.INT, 4) + "." + v.get(Libc.INT, 8));
    } catch (Throwable t) {
      throw broken(t);
    }
  }

  /** The action that makes a syscall fail with an error number. */
  public static int failWith(int errno) {
    return 0x00050000 | (errno & 0xffff);
  }

  /** The action that tells a tracer this number. */
  public static int trace(int number) {
    return 0x7ff00000 | (number & 0xffff);
  }

  /** How an argument is compared; named as in libseccomp without its prefix. */
  public enum Operator {
    NE(1),
    LT(2),
    LE(3),
    EQ(4),
    GE(5),
    GT(6),
    /** Equal to the second value once the first has been laid over as a mask. */
    MASKED_EQ(7);

    private final int number;

    Operator(int number) {
      this.number = number;
    }

    int number() {
      return number;
    }
  }

  /**
   * A condition on an argument.
   *
   * @param argument the place of the argument in the call, 0 to 5
   */
  public record Comparison(int argument, Operator operator, long value, long second) {
    public Comparison {
      if (argument < 0 || argument > 5) {
        throw new IllegalArgumentException("a syscall has no argument " + argument);
      }
    }
  }

  /** The architecture of this machine. */
  public static int nativeArchitecture() {
    try {
      return (int) Functions.ARCH_NATIVE.invokeExact();
    } catch (Throwable t) {
      throw broken(t);
    }
  }

  /**
   * An architecture by libseccomp's name in lower case, {@code x86_64}, {@code x86}, {@code
   * aarch64}; empty if unknown.
   */
  public static Optional<Integer> architecture(String name) {
    try (Arena arena = Arena.ofConfined()) {
      int token = (int) Functions.ARCH_NAME.invokeExact(arena.allocateFrom(name));
      return token == 0 ? Optional.empty() : Optional.of(token);
    } catch (Throwable t) {
      throw broken(t);
    }
  }

  /**
   * A syscall's number on an architecture; negative below -1 for one that exists elsewhere only;
   * empty if unknown.
   */
  public static Optional<Integer> number(int architecture, String syscall) {
    try (Arena arena = Arena.ofConfined()) {
      int number = (int) Functions.NUMBER.invokeExact(architecture, arena.allocateFrom(syscall));
      return number == -1 ? Optional.empty() : Optional.of(number);
    } catch (Throwable t) {
      throw broken(t);
    }
  }

  /**
   * A filter that does the same for every syscall, on the native architecture.
   *
   * @throws UnsupportedOperationException if libseccomp is not installed
   */
  public static Filter filter(int defaultAction) throws SyscallException {
    if (!isAvailable()) {
      throw new UnsupportedOperationException(
          "seccomp filter: libseccomp.so.2 is not installed; install it (Debian: libseccomp2) or"
              + " run without a filter");
    }
    try {
      MemorySegment context = (MemorySegment) Functions.INIT.invokeExact(defaultAction);
      if (context.address() == 0) {
        throw new SyscallException("seccomp_init", action(defaultAction), Errno.EINVAL);
      }
      return new Filter(context);
    } catch (SyscallException e) {
      throw e;
    } catch (Throwable t) {
      throw broken(t);
    }
  }

  /** A filter being made. Belongs to one thread. */
  public static final class Filter implements AutoCloseable {
    private final MemorySegment context;
    private final Set<Integer> architectures = new LinkedHashSet<>();
    private final Set<String> named = new LinkedHashSet<>();
    private final Set<SeccompPrologue.Rule> newRules = new LinkedHashSet<>();
    private boolean newerFail;
    private boolean closed;

    private Filter(MemorySegment context) {
      this.context = context;
      architectures.add(nativeArchitecture());
    }

    /** Adds an architecture; one that is there already is no error. */
    public Filter addArchitecture(int architecture) throws SyscallException {
      try {
        int result = (int) Functions.ARCH_ADD.invokeExact(open(), architecture);
        if (result != -Errno.EEXIST.number()) {
          check(result, "seccomp_arch_add", "0x" + Integer.toHexString(architecture));
        }
        architectures.add(architecture);
        return this;
      } catch (SyscallException e) {
        throw e;
      } catch (Throwable t) {
        throw broken(t);
      }
    }

    /**
     * Finds a rule by a binary tree instead of one after another: faster to load with many rules.
     */
    public Filter optimizeAsTree() throws SyscallException {
      return attribute(SCMP_FLTATR_CTL_OPTIMIZE, 2, "optimize level");
    }

    /**
     * Lets calls that are newer than all that rules name fail with ENOSYS, whatever happens to
     * others without a rule: programs then take an older call, as on a kernel that has no such one.
     */
    public Filter failNewerCalls() {
      newerFail = true;
      return this;
    }

    private Filter attribute(int attribute, int value, String what) throws SyscallException {
      try {
        check(
            (int) Functions.ATTRIBUTE.invokeExact(open(), attribute, value),
            "seccomp_attr_set",
            what);
        return this;
      } catch (SyscallException e) {
        throw e;
      } catch (Throwable t) {
        throw broken(t);
      }
    }

    /**
     * Adds a rule, on every architecture of the filter that has the syscall. All comparisons must
     * hold; two on one argument libseccomp refuses (EINVAL): that takes two rules. A call that is
     * newer than libseccomp is told by its number.
     *
     * @return false if there is no syscall of that name: nothing was added
     * @throws SyscallException EACCES if the action is the filter's default
     */
    public boolean addRule(int action, String syscall, List<Comparison> comparisons)
        throws SyscallException {
      Optional<Integer> number = number(nativeArchitecture(), syscall);
      if (number.isEmpty()) {
        Optional<Integer> newer = NewSyscalls.number(syscall);
        newer.ifPresent(known -> {
          named.add(syscall);
          newRules.add(new SeccompPrologue.Rule(known, action, List.copyOf(comparisons)));
        });
        return newer.isPresent();
      }
      named.add(syscall);
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment array =
            arena.allocate(Math.max(1L, comparisons.size()) * SCMP_ARG_CMP_SIZE, 8);
        long at = 0;
        for (Comparison c : comparisons) {
          array.set(Libc.INT, at, c.argument);
          array.set(Libc.INT, at + SCMP_ARG_CMP_OP, c.operator.number);
          array.set(Libc.LONG, at + SCMP_ARG_CMP_A, c.value);
          array.set(Libc.LONG, at + SCMP_ARG_CMP_B, c.second);
          at += SCMP_ARG_CMP_SIZE;
        }
        int syscallNumber = number.get();
        int count = comparisons.size();
        int result =
            (int) Functions.RULE_ADD.invokeExact(open(), action, syscallNumber, count, array);
        check(result, "seccomp rule of", syscall + " " + action(action));
        return true;
      } catch (SyscallException e) {
        throw e;
      } catch (Throwable t) {
        throw broken(t);
      }
    }

    /** The compiled filter: instructions of 8 bytes each, as seccomp(2) takes them. */
    public byte[] compile() throws SyscallException {
      // Before its version 2.6 libseccomp exports filters only to descriptors.
      try (Fd memory = Memfd.create("seccomp")) {
        check((int) Functions.EXPORT.invokeExact(open(), memory.number()), "seccomp_export", "");
        memory.seek(0);
        return prologue().before(memory.readAll(MAX_FILTER_BYTES));
      } catch (SyscallException e) {
        throw e;
      } catch (Throwable t) {
        throw broken(t);
      }
    }

    private SeccompPrologue prologue() {
      SeccompPrologue prologue = new SeccompPrologue();
      for (int architecture : architectures) {
        int bit = number(architecture, "read").orElse(0) & SeccompPrologue.X32_BIT;
        List<SeccompPrologue.Rule> rules =
            newRules.stream()
                .map(rule ->
                    new SeccompPrologue.Rule(
                        rule.number() | bit, rule.action(), rule.comparisons()))
                .toList();
        int newest = 0;
        if (newerFail) {
          for (String name : named) {
            Optional<Integer> number = number(architecture, name);
            newest =
                Math.max(newest, number.orElseGet(() -> NewSyscalls.number(name).orElse(0) | bit));
          }
        }
        prologue.add(architecture, rules, newest);
      }
      return prologue;
    }

    private MemorySegment open() {
      if (closed) {
        throw new IllegalStateException("seccomp filter is closed");
      }
      return context;
    }

    @Override
    public void close() {
      if (!closed) {
        closed = true;
        try {
          Functions.RELEASE.invokeExact(context);
        } catch (Throwable t) {
          throw broken(t);
        }
      }
    }
  }

  private static void check(int result, String call, String subject) throws SyscallException {
    if (result < 0) {
      throw new SyscallException(call, subject, -result);
    }
  }

  private static String action(int action) {
    return "action 0x" + Integer.toHexString(action);
  }

  private static RuntimeException broken(Throwable t) {
    if (t instanceof Error e) {
      throw e;
    }
    return t instanceof RuntimeException e ? e : new IllegalStateException("libseccomp", t);
  }
}
