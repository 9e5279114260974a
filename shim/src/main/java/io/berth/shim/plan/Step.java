package io.berth.shim.plan;

import io.berth.shim.stdio.Stream;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One thing done on the way to a process; see protocol.h for what exactly. The first group is
 * carried out around the clone, the second in the new process, in order.
 */
public sealed interface Step {
  /** Which process it is: empty is the init. */
  record Id(String execId) implements Step {}

  /** It gets a terminal of this size. */
  record Terminal(int rows, int columns) implements Step {}

  /** Where stream 0, 1 or 2 comes from or goes to. */
  record Sink(int stream, Stream to) implements Step {}

  /** An existing namespace is joined; `type` as in clone(2). */
  record Join(int type, Handle namespace) implements Step {}

  /** Maps of a new user namespace, in the kernel's form. */
  record IdMaps(String uidMap, String gidMap, boolean denySetgroups) implements Step {}

  /** Born in this cgroup (version 2). */
  record Cgroup2(Handle folder) implements Step {}

  /** A file in /proc/PID, written from outside. */
  record ProcWrite(Handle proc, String file, String value) implements Step {}

  /** Read at birth and at death. */
  record OomCounter(Handle file) implements Step {}

  /** Of a new time namespace. */
  record TimeOffsets(String offsets) implements Step {}

  /** All these namespaces of another process are joined. */
  record JoinProcess(Handle process, int types) implements Step {}

  /** Moves into a cgroup (version 1). */
  record Cgroup1(Handle tasks) implements Step {}

  /** New namespaces that cannot come with the clone. */
  record Unshare(int types) implements Step {}

  record Hostname(String name) implements Step {}

  record Domainname(String name) implements Step {}

  record LoopbackUp() implements Step {}

  /** Propagation of a mount, as it is seen now. */
  record Propagation(long flags, String path) implements Step {}

  /** The root, attached at a path of the host's. */
  record Root(Handle mount, String path) implements Step {}

  /** A file system is mounted. */
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
      implements Step {}

  /** A detached mount is attached. */
  record Bind(Handle mount, String target, long set, long clear, long propagation, int flags)
      implements Step {}

  /** What is mounted at a target changes. */
  record Attributes(String target, long set, long clear, long propagation, int flags)
      implements Step {}

  record ReadOnly(String target) implements Step {}

  record Mask(Handle nullDevice, String target) implements Step {}

  record MakeNode(String target, int mode, int major, int minor, int uid, int gid)
      implements Step {}

  record Symlink(String content, String target) implements Step {}

  record MakeFolder(String target, int mode) implements Step {}

  record Pivot(boolean moveAndChroot) implements Step {}

  record ResourceLimit(String name, int resource, long soft, long hard) implements Step {}

  record Sysctl(String path, String value) implements Step {}

  record OomScore(int adjustment) implements Step {}

  record Scheduler(
      int policy, int nice, int priority, long flags, long runtime, long deadline, long period)
      implements Step {}

  record IoPriority(int value) implements Step {}

  record Personality(int value) implements Step {}

  record Keyring(String name) implements Step {}

  record Console(int uid, boolean bindDevConsole) implements Step {}

  record Stdio(int uid, int gid) implements Step {}

  record NoNewPrivileges() implements Step {}

  /** A filter of system calls. */
  record Seccomp(Filter filter) implements Step {}

  record CapabilityBounding(long set) implements Step {}

  record Capabilities(long effective, long permitted, long inheritable, long ambient)
      implements Step {}

  record KeepCapabilities(boolean on) implements Step {}

  record User(int uid, int gid, List<Integer> groups) implements Step {}

  record WorkingDirectory(String path) implements Step {}

  /** The program is found, as the user who will run it. */
  record LookUp(String program, String searchPath) implements Step {}

  /** Reports and waits until the host's hooks are through. */
  record Stop(int number) implements Step {}

  /** Reports and waits for Start. */
  record Ready() implements Step {}

  /** A hook inside the container's namespaces. */
  record Hook(HookCall call) implements Step {}

  record Umask(int mask) implements Step {}

  record AppArmor(String profile) implements Step {}

  record SeLinux(String label) implements Step {}

  record Affinity(String cpus) implements Step {}

  record MemoryPolicy(int mode, int flags, String nodes) implements Step {}

  /** The end of every plan. */
  record Execute(List<String> arguments, List<String> environment) implements Step {}

  /**
   * A compiled filter.
   *
   * @param flags {@code SECCOMP_FILTER_FLAG_*}
   * @param program instructions of 8 bytes; never changed
   */
  // Made once and never changed; equality is that of the content.
  @SuppressWarnings("ArrayRecordComponent")
  record Filter(int flags, byte[] program) {
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
      return "Filter[flags=" + flags + ", instructions=" + program.length / 8 + "]";
    }
  }

  /**
   * A program at a point of the container's life.
   *
   * @param timeoutMillis 0: none
   * @param stateBeforePid the container's state as JSON up to its pid; the rest follows it
   */
  record HookCall(
      String path,
      List<String> arguments,
      List<String> environment,
      int timeoutMillis,
      String stateBeforePid,
      String stateAfterPid) {}
}
