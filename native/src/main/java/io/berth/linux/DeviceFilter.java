package io.berth.linux;

import java.util.List;

/**
 * Decides which device nodes the processes of a cgroup may open and make, where version 2 of
 * cgroups has no files for it but a program that the kernel asks. Compiled from rules of which the
 * last that fits counts; what no rule fits is denied.
 *
 * <p>Each of the rights that a process asks for at once is looked up by itself, as in version 1: a
 * rule that allows reading and another that allows writing allow both together.
 */
public final class DeviceFilter {
  /** Rights, as the kernel numbers them. */
  public static final int MAKE_NODE = 1;

  public static final int READ = 2;
  public static final int WRITE = 4;
  public static final int ALL_RIGHTS = MAKE_NODE | READ | WRITE;

  static final int BPF_DEVCG_DEV_BLOCK = 1;
  static final int BPF_DEVCG_DEV_CHAR = 2;
  static final int DEV_CTX_MAJOR = 4;
  static final int DEV_CTX_MINOR = 8;

  /** Programs of that many rules stay below 4,096 instructions, which every kernel loads. */
  private static final int MAX_RULES = 500;

  private final byte[] program;

  private DeviceFilter(byte[] program) {
    this.program = program;
  }

  /** What kind of node a rule is about. */
  public enum Kind {
    BLOCK,
    CHARACTER,
    ANY
  }

  /**
   * One rule.
   *
   * @param major the major number, or {@link #ANY_NUMBER} for all of them
   * @param minor the minor number, or {@link #ANY_NUMBER} for all of them
   * @param rights the sum of any of {@link #MAKE_NODE}, {@link #READ} and {@link #WRITE}
   */
  public record Rule(boolean allow, Kind kind, long major, long minor, int rights) {
    /**
     * Whether the rule concerns every node and every right, so that rules before it do not count.
     */
    boolean isAboutEverything() {
      return kind == Kind.ANY && major == ANY_NUMBER && minor == ANY_NUMBER && rights == ALL_RIGHTS;
    }
  }

  /** Stands for every major or minor number. */
  public static final long ANY_NUMBER = -1;

  /**
   * The filter for rules, the first given first.
   *
   * @throws IllegalArgumentException if they are more than 500, or one has no right
   */
  public static DeviceFilter of(List<Rule> rules) {
    int first = 0;
    for (int i = 0; i < rules.size(); i++) {
      if (rules.get(i).isAboutEverything()) {
        first = i;
      }
    }
    if (rules.size() - first > MAX_RULES) {
      throw new IllegalArgumentException("more than " + MAX_RULES + " rules for devices");
    }
    BpfAssembler out = new BpfAssembler();
    // What is asked for: the kind in the lower half of the first word, the rights in the upper.
    out.load(R_KIND, R_CONTEXT, 0);
    out.move(R_WANTED, R_KIND).shiftRight(R_WANTED, 16).and(R_KIND, 0xffff);
    out.load(R_MAJOR, R_CONTEXT, DEV_CTX_MAJOR).load(R_MINOR, R_CONTEXT, DEV_CTX_MINOR);
    // The rules are asked from the last one on, until each right that is wanted has met its rule.
    for (int i = rules.size() - 1; i >= first; i--) {
      Rule rule = rules.get(i);
      if ((rule.rights & ~ALL_RIGHTS) != 0 || rule.rights == 0) {
        throw new IllegalArgumentException("rights of a rule for devices: " + rule.rights);
      }
      if (rule.isAboutEverything()) {
        return new DeviceFilter(out.returning(rule.allow ? 1 : 0).build());
      }
      if (canFit(rule.major) && canFit(rule.minor)) {
        test(out, rule);
      }
    }
    return new DeviceFilter(out.returning(0).build());
  }

  private static final int R_RESULT = 0;
  private static final int R_CONTEXT = 1;
  private static final int R_KIND = 2;
  private static final int R_WANTED = 3;
  private static final int R_MAJOR = 4;
  private static final int R_MINOR = 5;

  /** Whether a node can have the number at all; those of devices have 12 and 20 bits. */
  private static boolean canFit(long number) {
    return number == ANY_NUMBER || (number >= 0 && number <= Integer.MAX_VALUE);
  }

  private static void test(BpfAssembler out, Rule rule) {
    int next = out.label();
    if (rule.kind != Kind.ANY) {
      int kind = rule.kind == Kind.BLOCK ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
      out.jumpUnless(R_KIND, kind, next);
    }
    if (rule.major != ANY_NUMBER) {
      out.jumpUnless(R_MAJOR, (int) rule.major, next);
    }
    if (rule.minor != ANY_NUMBER) {
      out.jumpUnless(R_MINOR, (int) rule.minor, next);
    }
    if (rule.allow) {
      out.and(R_WANTED, ~rule.rights).jumpUnless(R_WANTED, 0, next).returning(1);
    } else {
      out.move(R_RESULT, R_WANTED).and(R_RESULT, rule.rights);
      out.jumpIf(R_RESULT, 0, next).returning(0);
    }
    out.place(next);
  }

  /** The program as text, an instruction a line: for people and tests. */
  public String listing() {
    return BpfAssembler.listing(program);
  }

  byte[] program() {
    return program.clone();
  }

  /**
   * From now on it decides for the cgroup (a folder of version 2) and all below, instead of
   * whatever did so there before. There is no moment at which neither does. A filter of a cgroup
   * above counts as well: what one of them denies is denied.
   *
   * @throws SyscallException EPERM without the privilege for it, EINVAL if the kernel was built
   *     without such programs, EBADF if the folder is none of cgroup version 2
   */
  public void decideFor(Fd cgroup) throws SyscallException {
    try (Fd loaded = Bpf.load(program, cgroup.what())) {
      List<Integer> before = Bpf.attached(cgroup);
      if (before.size() == 1 && KernelFeature.BPF_REPLACE.inUse()) {
        try (Fd old = Bpf.program(before.getFirst())) {
          Bpf.replace(cgroup, loaded, old);
        }
        return;
      }
      Bpf.attach(cgroup, loaded);
      for (int id : before) {
        try (Fd old = Bpf.program(id)) {
          Bpf.detach(cgroup, old);
        }
      }
    }
  }
}
