package io.berth.shim.plan;

import io.berth.base.error.BerthException;
import io.berth.base.id.UnixId;
import io.berth.base.layout.Stdio;
import io.berth.linux.supervisor.Step;
import io.berth.oci.runtime.Capabilities;
import io.berth.oci.runtime.Linux;
import io.berth.oci.runtime.ProcessSpec;
import io.berth.shim.stdio.Stream;
import io.berth.shim.stdio.StreamUris;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What an init and an exec have in common: from streams to identity to program. */
final class ProcessSteps {
  static final String DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

  private static final Map<String, Integer> POLICIES =
      Map.of(
          "SCHED_OTHER",
          0,
          "SCHED_FIFO",
          1,
          "SCHED_RR",
          2,
          "SCHED_BATCH",
          3,
          "SCHED_ISO",
          4,
          "SCHED_IDLE",
          5,
          "SCHED_DEADLINE",
          6);
  private static final Map<String, Long> SCHEDULER_FLAGS =
      Map.of(
          "SCHED_FLAG_RESET_ON_FORK", 1L,
          "SCHED_FLAG_RECLAIM", 2L,
          "SCHED_FLAG_DL_OVERRUN", 4L,
          "SCHED_FLAG_KEEP_POLICY", 8L,
          "SCHED_FLAG_KEEP_PARAMS", 16L,
          "SCHED_FLAG_UTIL_CLAMP_MIN", 32L,
          "SCHED_FLAG_UTIL_CLAMP_MAX", 64L);
  private static final Map<String, Integer> IO_CLASSES =
      Map.of("IOPRIO_CLASS_RT", 1, "IOPRIO_CLASS_BE", 2, "IOPRIO_CLASS_IDLE", 3);

  private final ProcessSpec process;
  private final MachineFacts host;
  private final Step.@Nullable Filter filter;
  private final @Nullable String home;

  /** Numbers and ranges like {@code 0-3,7}, as the kernel writes lists of CPUs. */
  private static final Pattern CPU_LIST = Pattern.compile("\\d+(-\\d+)?(,\\d+(-\\d+)?)*");

  ProcessSteps(
      ProcessSpec process, MachineFacts host, Step.@Nullable Filter filter, @Nullable String home) {
    this.process = process;
    this.host = host;
    this.filter = filter;
    this.home = home;
    if (process.args().isEmpty()) {
      throw new BerthException.InvalidArgument("process: no program is named (args is empty)");
    }
    ProcessSpec.CpuAffinity affinity = process.cpuAffinity();
    if (affinity != null) {
      cpus("initial", affinity.initial());
      cpus("final", affinity.last());
    }
    if (!process.cwd().startsWith("/")) {
      throw new BerthException.InvalidArgument(
          "process: working directory `" + process.cwd() + "` is not an absolute path");
    }
  }

  private static void cpus(String which, String list) {
    if (!list.isEmpty() && !CPU_LIST.matcher(list).matches()) {
      throw new BerthException.InvalidArgument(
          "execCPUAffinity: " + which + " `" + list + "` is no list of CPUs; write like 0-3,7");
    }
  }

  /** The steps around the clone. */
  static List<Step> outer(String id, ProcessSpec process, Stdio stdio) {
    List<Step> steps = new ArrayList<>();
    steps.add(new Step.Id(id));
    if (stdio.terminal()) {
      ProcessSpec.Size size = process.consoleSize();
      steps.add(
          new Step.Terminal(size == null ? 0 : size.height(), size == null ? 0 : size.width()));
    }
    int stream = 0;
    for (Stream to : StreamUris.of(stdio)) {
      steps.add(new Step.Sink(stream++, to));
    }
    return steps;
  }

  /** The step that makes streams 0, 1 and 2 of the process itself. */
  Step streams(boolean init) {
    return process.terminal()
        ? new Step.Console(id(process.user().uid(), "uid"), init)
        : new Step.Stdio(id(process.user().uid(), "uid"), id(process.user().gid(), "gid"));
  }

  /** Steps that need privileges and touch no other process. */
  List<Step> limits(List<ProcessSpec.Rlimit> limits, @Nullable Integer oomScore) {
    List<Step> steps = new ArrayList<>(ResourceLimits.steps(limits));
    if (oomScore != null) {
      steps.add(new Step.OomScore(oomScore));
    }
    scheduling(steps);
    return steps;
  }

  private void scheduling(List<Step> steps) {
    ProcessSpec.Scheduler scheduler = process.scheduler();
    if (scheduler != null) {
      Integer policy = POLICIES.get(scheduler.policy());
      if (policy == null) {
        throw new BerthException.InvalidArgument(
            "scheduler policy `" + scheduler.policy() + "`: there is none of that name");
      }
      long flags = 0;
      for (String flag : scheduler.flags()) {
        Long bit = SCHEDULER_FLAGS.get(flag);
        if (bit == null) {
          throw new BerthException.InvalidArgument(
              "scheduler flag `" + flag + "`: there is none of that name");
        }
        flags |= bit;
      }
      steps.add(
          new Step.Scheduler(
              policy,
              scheduler.nice(),
              scheduler.priority(),
              flags,
              scheduler.runtime(),
              scheduler.deadline(),
              scheduler.period()));
    }
    ProcessSpec.IoPriority io = process.ioPriority();
    if (io != null) {
      Integer ioClass = IO_CLASSES.get(io.ioClass().toUpperCase(Locale.ROOT));
      if (ioClass == null) {
        throw new BerthException.InvalidArgument(
            "io priority class `" + io.ioClass() + "`: there is none of that name");
      }
      if (io.priority() < 0 || io.priority() > 7) {
        throw new BerthException.InvalidArgument(
            "io priority " + io.priority() + ": it is from 0 to 7");
      }
      steps.add(new Step.IoPriority(ioClass << 13 | io.priority()));
    }
  }

  static List<Step> domain(Linux linux) {
    List<Step> steps = new ArrayList<>();
    Linux.Personality personality = linux.personality();
    if (personality != null) {
      if (!personality.flags().isEmpty()) {
        throw new BerthException.InvalidArgument(
            "personality flag `" + personality.flags().getFirst() + "`: none are known");
      }
      int value =
          switch (personality.domain()) {
            case "LINUX", "" -> 0;
            case "LINUX32" -> 8;
            default ->
                throw new BerthException.InvalidArgument(
                    "personality `" + personality.domain() + "`: LINUX and LINUX32 are known");
          };
      steps.add(new Step.Personality(value));
    }
    return steps;
  }

  /** Steps from root to the user; the last one finds the program. */
  List<Step> identity() {
    List<Step> steps = new ArrayList<>();
    labels(steps);
    if (process.noNewPrivileges()) {
      steps.add(new Step.NoNewPrivileges());
    }
    if (filter != null && !filterComesLast()) {
      steps.add(new Step.Seccomp(filter));
    }
    ProcessSpec.Capabilities names = process.capabilities();
    ProcessSpec.Capabilities sets = names == null ? ProcessSpec.Capabilities.NONE : names;
    steps.add(new Step.CapabilityBounding(set(sets.bounding())));
    steps.add(new Step.KeepCapabilities(true));
    ProcessSpec.User user = process.user();
    steps.add(
        new Step.User(
            id(user.uid(), "uid"),
            id(user.gid(), "gid"),
            user.additionalGids().stream().map(gid -> id(gid, "additional gid")).toList()));
    steps.add(new Step.KeepCapabilities(false));
    // What is not permitted or not inheritable cannot be ambient (capabilities(7)).
    long permitted = set(sets.permitted());
    long inheritable = set(sets.inheritable());
    steps.add(
        new Step.Capabilities(
            set(sets.effective()) & permitted,
            permitted,
            inheritable,
            set(sets.ambient()) & permitted & inheritable));
    steps.add(new Step.WorkingDirectory(process.cwd()));
    Integer umask = user.umask();
    if (umask != null) {
      steps.add(new Step.Umask(umask & 0777));
    }
    steps.add(new Step.LookUp(process.args().getFirst(), searchPath()));
    return steps;
  }

  private void labels(List<Step> steps) {
    if (!process.apparmorProfile().isEmpty()) {
      if (!host.appArmor()) {
        throw new BerthException.FailedPrecondition(
            "apparmor profile `"
                + process.apparmorProfile()
                + "`: AppArmor is not enabled on this host; start it with the kernel's options"
                + " `apparmor=1 security=apparmor`, or make the container again without a profile");
      }
      steps.add(new Step.AppArmor(process.apparmorProfile()));
    }
    if (!process.selinuxLabel().isEmpty()) {
      if (!host.seLinux()) {
        throw new BerthException.FailedPrecondition(
            "selinux label `"
                + process.selinuxLabel()
                + "`: SELinux is not enabled on this host; enable it, or make the container again"
                + " without a label");
      }
      steps.add(new Step.SeLinux(process.selinuxLabel()));
    }
  }

  /**
   * The last steps. The filter is among them where loading it is still allowed: seccomp(2) asks for
   * no_new_privs or CAP_SYS_ADMIN.
   */
  List<Step> execution() {
    List<Step> steps = new ArrayList<>();
    if (filter != null && filterComesLast()) {
      steps.add(new Step.Seccomp(filter));
    }
    steps.add(new Step.Execute(process.args(), environment()));
    return steps;
  }

  /** Whether some calls of the process wait for the answer of a listener. */
  boolean asksListener() {
    return filter != null && filter.asksListener();
  }

  boolean filterComesLast() {
    ProcessSpec.Capabilities sets = process.capabilities();
    return process.noNewPrivileges()
        || (sets != null && (set(sets.effective()) & Capabilities.SYS_ADMIN) != 0);
  }

  private List<String> environment() {
    boolean hasHome = process.env().stream().anyMatch(variable -> variable.startsWith("HOME="));
    if (hasHome || home == null) {
      return process.env();
    }
    List<String> environment = new ArrayList<>(process.env());
    environment.add("HOME=" + home);
    return environment;
  }

  private String searchPath() {
    String path = DEFAULT_PATH;
    for (String variable : process.env()) {
      if (variable.startsWith("PATH=")) {
        path = variable.substring("PATH=".length());
      }
    }
    return path;
  }

  private long set(List<String> names) {
    return Capabilities.of(names, host.capabilities());
  }

  static int id(long id, String what) {
    return UnixId.checked(what, id);
  }
}
