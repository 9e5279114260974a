package io.berth.linux.supervisor;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One thing that is done on the way to a process. The records carry what the structs of the same
 * name in {@code protocol.h} carry, and {@link LaunchPlan} encodes them. A step that is new has to
 * be added to one of the four groups here and to that group's switch in the encoder, or nothing
 * compiles.
 *
 * <p>Paths called {@code target} lie inside the container's root, where the kernel resolves them.
 * Before {@link Pivot} the root is what {@link Root} attached.
 */
public sealed interface Step {
  // --- Around the clone.

  /** Carried out by the supervisor, or its short-lived helper, around the clone(2). */
  sealed interface AroundClone extends Step {}

  /** Says which process the plan is for; the empty id is the init's. */
  record Id(String execId) implements AroundClone {}

  /** Gives the process a terminal of this size, which {@link Console} makes. */
  record Terminal(int rows, int columns) implements AroundClone {}

  /**
   * Connects stream 0, 1 or 2. An output may have several sinks; with a terminal there is no stream
   * 2.
   */
  record Sink(int stream, io.berth.linux.supervisor.Sink to) implements AroundClone {}

  /** Joins an existing namespace; {@code type} is its {@code CLONE_NEW*} flag. */
  record Join(int type, Handle namespace) implements AroundClone {}

  /** Maps the ids of a new user namespace, in the form of user_namespaces(7). */
  record IdMaps(String uidMap, String gidMap, boolean denySetgroups) implements AroundClone {}

  /** Lets the process be born in a cgroup of version 2. */
  record Cgroup2(Handle folder) implements AroundClone {}

  /** Writes a value to /proc/PID/FILE of the process, from outside of its namespaces. */
  record ProcWrite(Handle proc, String file, String value) implements AroundClone {}

  /**
   * Names the file with the line {@code oom_kill}: memory.oom_control of cgroup version 1,
   * memory.events of version 2. The supervisor reads it when the process is born and when it ends.
   */
  record OomCounter(Handle file) implements AroundClone {}

  /** Sets the clocks of a new time namespace, in the form of time_namespaces(7). */
  record TimeOffsets(String offsets) implements AroundClone {}

  /** Joins all these namespaces of another process, which a pidfd means, at once. */
  record JoinProcess(Handle process, int types) implements AroundClone {}

  /**
   * Names the socket of whoever answers for the calls that a filter of {@link
   * Filter#FLAG_NEW_LISTENER} asks about. It gets the listening descriptor and a text in which two
   * pids are put.
   *
   * @param before what stands before the pid of the process
   * @param between what stands between it and the pid of the container's init
   * @param after what stands after that
   */
  record Listener(String path, String before, String between, String after)
      implements AroundClone {}

  // --- In the new process, in the order of the plan.

  /** Builds what the process sees as its file system. */
  sealed interface Mounting extends Step {}

  /** Sets the propagation, {@code MS_*}, at a path of the mount namespace as it is then. */
  record Propagation(long flags, String path) implements Mounting {}

  /**
   * Attaches the root at a path of the machine. Without a detached mount the folder at that path is
   * bound onto itself.
   */
  record Root(@Nullable Handle mount, String path) implements Mounting {}

  /**
   * Mounts a file system.
   *
   * @param data the options of the file system, separated by commas
   * @param attributes flags of the mount, of {@code MOUNT_ATTR_*}
   * @param propagation one of {@code MS_SHARED} and its like; 0 to leave it
   * @param flags what else is to be done, of {@link MountStep}
   * @param mode the mode of a folder that is made for it
   * @param copyUp whether the new file system is filled with what lay below it
   */
  record Mount(
      String type,
      String source,
      String target,
      String data,
      long attributes,
      long propagation,
      int flags,
      int mode,
      boolean copyUp)
      implements Mounting {}

  /**
   * Attaches a detached mount, which no other step can attach again.
   *
   * @param set flags of {@code MOUNT_ATTR_*} that are set
   * @param clear flags of {@code MOUNT_ATTR_*} that are cleared before the others are set
   * @param propagation one of {@code MS_SHARED} and its like; 0 to leave it
   * @param flags what else is to be done, of {@link MountStep}
   */
  record Bind(Handle mount, String target, long set, long clear, long propagation, int flags)
      implements Mounting {}

  /** Changes what is mounted at a target; the parameters are those of {@link Bind}. */
  record Attributes(String target, long set, long clear, long propagation, int flags)
      implements Mounting {}

  /** Makes a target and all below it read-only; skipped where nothing stands. */
  record ReadOnly(String target) implements Mounting {}

  /** Hides a target: a file behind the null device, a folder behind an empty one. */
  record Mask(Handle nullDevice, String target) implements Mounting {}

  /** Makes a device node or fifo; one that is equal already is kept. */
  record MakeNode(String target, int mode, int major, int minor, int uid, int gid)
      implements Mounting {}

  /** Makes a symbolic link; one that exists is kept. */
  record Symlink(String content, String target) implements Mounting {}

  /** Makes a folder and those above it. */
  record MakeFolder(String target, int mode) implements Mounting {}

  /**
   * Makes the root the root of the process: by pivot_root(2), or by moving it and chroot(2) where
   * the present root is the initial ramfs, which cannot be exchanged.
   */
  record Pivot(boolean moveAndChroot) implements Mounting {}

  /** Sets what the process has beside its files and its user. */
  sealed interface Setting extends Step {}

  /** Moves the process to a cgroup of version 1 by its file {@code tasks}. */
  record Cgroup1(Handle tasks) implements Setting {}

  /** Makes namespaces, {@code CLONE_NEW*}, that cannot come with the clone. */
  record Unshare(int types) implements Setting {}

  /** Sets the host name of the UTS namespace. */
  record Hostname(String name) implements Setting {}

  /** Sets the NIS domain name of the UTS namespace. */
  record Domainname(String name) implements Setting {}

  /** Brings up {@code lo} of the network namespace. */
  record LoopbackUp() implements Setting {}

  /** Sets a limit of setrlimit(2); the name is for people. */
  record ResourceLimit(String name, int resource, long soft, long hard) implements Setting {}

  /** Writes a value below /proc/sys; the path has slashes. */
  record Sysctl(String path, String value) implements Setting {}

  /** Sets oom_score_adj, see proc_pid_oom_score_adj(5). */
  record OomScore(int adjustment) implements Setting {}

  /** Sets what sched_setattr(2) takes. */
  record Scheduler(
      int policy, int nice, int priority, long flags, long runtime, long deadline, long period)
      implements Setting {}

  /** Sets the value of ioprio_set(2). */
  record IoPriority(int value) implements Setting {}

  /** Sets the execution domain, see personality(2). */
  record Personality(int value) implements Setting {}

  /**
   * Gives the process a session keyring of its own. The step is optional, for a kernel may have no
   * keyrings, and a user's quota of keys may be used up.
   */
  record Keyring(String name) implements Setting {}

  /** Sets the processors, as a list like {@code 0-3,8}. */
  record Affinity(String cpus) implements Setting {}

  /** Sets what set_mempolicy(2) takes. */
  record MemoryPolicy(int mode, int flags, String nodes) implements Setting {}

  /** Makes the process its user's, and at last the program. */
  sealed interface Becoming extends Step {}

  /** Makes the terminal from the root's /dev/pts and gives it to a user. */
  record Console(int uid, boolean bindDevConsole) implements Becoming {}

  /** Makes the supervisor's pipes streams 0, 1 and 2, and gives them to a user. */
  record Stdio(int uid, int gid) implements Becoming {}

  /** Sets no_new_privs, see PR_SET_NO_NEW_PRIVS(2const). */
  record NoNewPrivileges() implements Becoming {}

  /** Loads a filter of system calls. */
  record Seccomp(Filter filter) implements Becoming {}

  /** Says which capabilities stay in the bounding set. */
  record CapabilityBounding(long set) implements Becoming {}

  /** Sets the four other sets of capabilities(7). */
  record Capabilities(long effective, long permitted, long inheritable, long ambient)
      implements Becoming {}

  /** Keeps capabilities over a change of user, or no longer. */
  record KeepCapabilities(boolean on) implements Becoming {}

  /** Changes to a user, its group and further groups. */
  record User(int uid, int gid, List<Integer> groups) implements Becoming {
    public User {
      groups = List.copyOf(groups);
    }
  }

  /** Changes to the working directory, which must exist. */
  record WorkingDirectory(String path) implements Becoming {}

  /** Finds the program as execvp(3) would, with the rights of the user who will run it. */
  record LookUp(String program, String searchPath) implements Becoming {}

  /** Reports and waits until the hooks on the machine's side are through. */
  record Stop(int number) implements Becoming {}

  /** Reports and waits for the start. */
  record Ready() implements Becoming {}

  /** Runs a hook inside the container's namespaces. */
  record RunHook(Hook hook) implements Becoming {}

  /** Sets the umask. */
  record Umask(int mask) implements Becoming {}

  /** Sets the AppArmor profile that comes with the program. */
  record AppArmor(String profile) implements Becoming {}

  /** Sets the SELinux label that comes with the program. */
  record SeLinux(String label) implements Becoming {}

  /** Becomes the program that {@link LookUp} found; the last step of every plan. */
  record Execute(List<String> arguments, List<String> environment) implements Becoming {
    public Execute {
      arguments = List.copyOf(arguments);
      environment = List.copyOf(environment);
    }
  }

  /**
   * A compiled filter of system calls.
   *
   * @param flags of {@code SECCOMP_FILTER_FLAG_*}, as seccomp(2) has them
   * @param program the instructions, 8 bytes each; the array is never changed
   */
  // The array is made once and never changed, and filters are equal when their contents are.
  @SuppressWarnings("ArrayRecordComponent")
  record Filter(int flags, byte[] program) {
    /** {@code SECCOMP_FILTER_FLAG_NEW_LISTENER} in linux/seccomp.h: it asks a listener. */
    public static final int FLAG_NEW_LISTENER = 8;

    /** The size of struct sock_filter in linux/filter.h. */
    static final int INSTRUCTION_BYTES = 8;

    public Filter {
      if (program.length == 0 || program.length % INSTRUCTION_BYTES != 0) {
        throw new IllegalArgumentException("filter of " + program.length + " bytes");
      }
    }

    /** Whether some calls wait for a listener's answer. */
    public boolean asksListener() {
      return (flags & FLAG_NEW_LISTENER) != 0;
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Filter that
          && flags == that.flags
          && Arrays.equals(program, that.program);
    }

    @Override
    public int hashCode() {
      return 31 * flags + Arrays.hashCode(program);
    }

    @Override
    public String toString() {
      return "Filter[flags=" + flags + ", instructions=" + program.length / INSTRUCTION_BYTES + "]";
    }
  }
}
