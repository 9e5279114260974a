package io.berth.linux.supervisor;

import io.berth.linux.Fd;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Collects the steps of a {@link LaunchPlan}, in the order in which they will be carried out. The
 * methods named first are carried out by the supervisor around the clone and stand first in a plan;
 * the others by the child. Paths called {@code target} are inside the container's root and resolved
 * there by the kernel; before {@link #pivot} the root is what {@link #root} attached.
 */
public final class Steps {
  private final int kind;
  private final int namespaces;
  private final LaunchPlan.Encoder encoder = new LaunchPlan.Encoder();
  private int flags;

  Steps(int kind, int namespaces) {
    this.kind = kind;
    this.namespaces = namespaces;
  }

  /** The plan. This collector is not to be used afterwards. */
  public LaunchPlan build() {
    return encoder.build(kind, namespaces, flags);
  }

  /** The process outlives the supervisor, should that die. */
  public Steps keepOnSupervisorDeath() {
    flags |= Protocol.PLAN_KEEP_ON_SUPERVISOR_DEATH;
    return this;
  }

  /** A failure of the step added last is ignored. */
  public Steps optional() {
    encoder.makeLastOptional();
    return this;
  }

  // --- Around the clone, by the supervisor or its short-lived helper.

  /** The exec id, empty for the init. */
  public Steps id(String id) {
    return add(Protocol.STEP_ID, out().text(id), "id " + id);
  }

  /** The process gets a terminal of this size; {@link #console} makes it. */
  public Steps terminal(int rows, int columns) {
    return add(
        Protocol.STEP_TERMINAL,
        out().u16(rows).u16(columns).u32(0),
        "terminal " + rows + "x" + columns);
  }

  /**
   * Where a stream comes from or goes to; more than one for an output is allowed.
   *
   * @param stream 0, 1 or 2; with a terminal only 0 and 1
   */
  public Steps sink(int stream, Sink sink) {
    int none = Protocol.NO_FD;
    WireWriter out = out().u32(stream);
    String name = "";
    switch (sink) {
      case Sink.Null() -> sink(out, Protocol.SINK_NULL, none, none, 0, 0);
      case Sink.Fifo(Fd fd, Fd writeEnd) ->
          sink(out, Protocol.SINK_FIFO, index(fd), index(writeEnd), 0, 0);
      case Sink.File(Fd fd) -> sink(out, Protocol.SINK_FILE, index(fd), none, 0, 0);
      case Sink.Log(Fd folder, String file, long size, int files) -> {
        sink(out, Protocol.SINK_LOG, index(folder), none, size, files);
        name = file;
      }
      case Sink.Open() -> sink(out, Protocol.SINK_OPEN, none, none, 0, 0);
      case Sink.Pipe(Fd fd) -> sink(out, Protocol.SINK_PIPE, index(fd), none, 0, 0);
    }
    return add(Protocol.STEP_SINK, out.text(name), "sink " + stream + " " + sink);
  }

  private static void sink(WireWriter out, int kind, int fd, int fd2, long maxSize, int maxFiles) {
    out.u32(kind).u32(fd).u32(fd2).u64(maxSize).u32(maxFiles).u32(0);
  }

  /** Joins a namespace, {@code CLONE_NEW*}, before the clone; of pids: the child is born there. */
  public Steps join(int type, Fd namespace) {
    return add(
        Protocol.STEP_JOIN, out().u32(type).u32(index(namespace)), "join " + namespace.what());
  }

  /** The maps of a new user namespace, in the form of /proc/PID/uid_map. */
  public Steps idMaps(String uidMap, String gidMap, boolean denySetgroups) {
    WireWriter out = out().u32(denySetgroups ? 1 : 0).u32(0).text(uidMap).text(gidMap);
    return add(Protocol.STEP_ID_MAPS, out, "id maps");
  }

  /** The cgroup v2 folder to be born in. */
  public Steps cgroup2(Fd folder) {
    return add(Protocol.STEP_CGROUP2, out().u32(index(folder)), "cgroup2 " + folder.what());
  }

  /** Writes a value to /proc/PID/FILE of the process, from outside. */
  public Steps writeProc(Fd hostProc, String file, String value) {
    return add(
        Protocol.STEP_PROC_WRITE,
        out().u32(index(hostProc)).u32(0).text(file).text(value),
        "write /proc/PID/" + file);
  }

  /**
   * The file with {@code oom_kill} in it: memory.oom_control of version 1, memory.events of version
   * 2.
   */
  public Steps oomCounter(Fd file) {
    return add(Protocol.STEP_OOM_COUNTER, out().u32(index(file)), "oom counter " + file.what());
  }

  /** The contents of timens_offsets. */
  public Steps timeOffsets(String offsets) {
    return add(Protocol.STEP_TIME_OFFSETS, out().text(offsets), "time offsets");
  }

  /** Joins several namespaces of the process that a pidfd means. */
  public Steps joinPidfd(Fd pidfd, int namespaces) {
    return add(
        Protocol.STEP_JOIN_PIDFD,
        out().u32(index(pidfd)).u32(namespaces),
        "join namespaces of " + pidfd.what());
  }

  // --- By the child, in order.

  /** Moves to a version 1 cgroup by its {@code tasks} file. */
  public Steps cgroup1(Fd tasks) {
    return add(Protocol.STEP_CGROUP1, out().u32(index(tasks)), "cgroup1 " + tasks.what());
  }

  /** Unshares {@code CLONE_NEW*}. */
  public Steps unshare(int namespaces) {
    return add(
        Protocol.STEP_UNSHARE,
        out().u32(namespaces),
        "unshare 0x" + Integer.toHexString(namespaces));
  }

  public Steps hostname(String name) {
    return add(Protocol.STEP_HOSTNAME, out().text(name), "hostname " + name);
  }

  public Steps domainname(String name) {
    return add(Protocol.STEP_DOMAINNAME, out().text(name), "domainname " + name);
  }

  public Steps loopbackUp() {
    return add(Protocol.STEP_LOOPBACK_UP, out(), "loopback up");
  }

  /** Sets the propagation, {@code MS_*}, at a path of the namespace as it is now. */
  public Steps propagation(long flags, String path) {
    return add(Protocol.STEP_PROPAGATION, out().u64(flags).text(path), "propagation of " + path);
  }

  /** The root, attached at a path; without a detached mount that path is bound onto itself. */
  public Steps root(@Nullable Fd mount, String path) {
    return add(Protocol.STEP_ROOT, out().u32(index(mount)).u32(0).text(path), "root " + path);
  }

  /**
   * A file system to be mounted.
   *
   * @param data options separated by commas
   * @param attributes {@code MOUNT_ATTR_*}
   * @param propagation {@code MS_SHARED} and its like, or 0
   * @param flags of {@link MountStep}
   * @param mode of a folder made for it
   */
  public record Filesystem(
      String type,
      String source,
      String target,
      String data,
      long attributes,
      long propagation,
      int flags,
      int mode) {}

  /** Mounts a file system. */
  public Steps mount(Filesystem fs) {
    return add(Protocol.STEP_MOUNT, encode(fs), "mount " + fs.type + " on " + fs.target);
  }

  /** Mounts a tmpfs, filled with what lay below it. */
  public Steps copyUp(Filesystem fs) {
    return add(Protocol.STEP_COPY_UP, encode(fs), "copy up " + fs.target);
  }

  private static WireWriter encode(Filesystem fs) {
    return out()
        .u64(fs.attributes)
        .u64(fs.propagation)
        .u32(fs.flags)
        .u32(fs.mode)
        .text(fs.type)
        .text(fs.source)
        .text(fs.target)
        .text(fs.data);
  }

  /**
   * Changes to a mount's attributes.
   *
   * @param set {@code MOUNT_ATTR_*}
   * @param clear {@code MOUNT_ATTR_*}, first
   * @param propagation {@code MS_*} or 0
   * @param flags of {@link MountStep}
   */
  public record Change(long set, long clear, long propagation, int flags) {}

  /** Attaches a detached mount. */
  public Steps bind(Fd mount, String target, Change change) {
    WireWriter out = out().u64(change.set).u64(change.clear).u64(change.propagation);
    out.u32(change.flags).u32(index(mount)).text(target);
    return add(Protocol.STEP_BIND, out, "bind " + mount.what() + " on " + target);
  }

  /** Changes the attributes of what is mounted there. */
  public Steps attributes(String target, Change change) {
    WireWriter out = out().u64(change.set).u64(change.clear).u64(change.propagation);
    out.u32(change.flags).u32(0).text(target);
    return add(Protocol.STEP_ATTRIBUTES, out, "mount attributes of " + target);
  }

  /** Makes it read-only with all below it; skipped where nothing stands. */
  public Steps readOnly(String target) {
    return add(Protocol.STEP_READ_ONLY, out().text(target), "read-only " + target);
  }

  /** Hides it; skipped where nothing stands. */
  public Steps mask(Fd nullDevice, String target) {
    return add(Protocol.STEP_MASK, out().u32(index(nullDevice)).text(target), "mask " + target);
  }

  /** A device node or fifo with its owner. */
  public record Node(int mode, int major, int minor, int uid, int gid, String target) {}

  /** Makes a device node or fifo; an equal one is kept. */
  public Steps makeNode(Node node) {
    WireWriter out = out().u32(node.mode).u32(node.major).u32(node.minor);
    out.u32(node.uid).u32(node.gid).u32(0).text(node.target);
    return add(Protocol.STEP_MAKE_NODE, out, "make node " + node.target);
  }

  /** Makes a symbolic link; an existing one is kept. */
  public Steps symlink(String content, String target) {
    return add(Protocol.STEP_SYMLINK, out().text(content).text(target), "symlink " + target);
  }

  /** Makes a folder and those above it. */
  public Steps makeFolder(int mode, String target) {
    return add(Protocol.STEP_MAKE_FOLDER, out().u32(mode).text(target), "make folder " + target);
  }

  /** Makes the root the root, by pivot_root, or by moving it and chroot where that cannot be. */
  public Steps pivot(boolean moveAndChroot) {
    int how = moveAndChroot ? Protocol.PIVOT_MOVE_CHROOT : Protocol.PIVOT_ROOT;
    return add(Protocol.STEP_PIVOT, out().u32(how), "pivot");
  }

  public Steps resourceLimit(int resource, long soft, long hard) {
    return add(
        Protocol.STEP_RLIMIT,
        out().u32(resource).u32(0).u64(soft).u64(hard),
        "resource limit " + resource);
  }

  /** A path below /proc/sys, with slashes. */
  public Steps sysctl(String path, String value) {
    return add(Protocol.STEP_SYSCTL, out().text(path).text(value), "sysctl " + path);
  }

  public Steps oomScore(int adjustment) {
    return add(Protocol.STEP_OOM_SCORE, out().u32(adjustment), "oom score " + adjustment);
  }

  /** What sched_setattr takes. */
  public record Scheduler(
      int policy, int nice, int priority, long flags, long runtime, long deadline, long period) {}

  public Steps scheduler(Scheduler s) {
    WireWriter out = out().u32(s.policy).u32(s.nice).u32(s.priority).u32(0);
    out.u64(s.flags).u64(s.runtime).u64(s.deadline).u64(s.period);
    return add(Protocol.STEP_SCHEDULER, out, "scheduler " + s.policy);
  }

  /** The value of ioprio_set. */
  public Steps ioPriority(int value) {
    return add(Protocol.STEP_IO_PRIORITY, out().u32(value), "io priority");
  }

  public Steps personality(int value) {
    return add(Protocol.STEP_PERSONALITY, out().u32(value), "personality");
  }

  /** A session keyring of its own. */
  public Steps keyring(String name) {
    return add(Protocol.STEP_KEYRING, out().text(name), "keyring " + name);
  }

  /** Makes the terminal from the root's /dev/pts, owned by a user. */
  public Steps console(int uid, boolean bindDevConsole) {
    int bits = bindDevConsole ? Protocol.CONSOLE_BIND_DEV_CONSOLE : 0;
    return add(Protocol.STEP_CONSOLE, out().u32(uid).u32(bits), "console");
  }

  /** Streams from the supervisor's pipes, owned by a user. */
  public Steps stdio(int uid, int gid) {
    return add(Protocol.STEP_STDIO, out().u32(uid).u32(gid), "stdio");
  }

  public Steps noNewPrivileges() {
    return add(Protocol.STEP_NO_NEW_PRIVS, out(), "no new privileges");
  }

  /**
   * Loads a filter.
   *
   * @param flags {@code SECCOMP_FILTER_FLAG_*}
   * @param program instructions of 8 bytes each
   */
  public Steps seccomp(int flags, byte[] program) {
    if (program.length == 0 || program.length % 8 != 0) {
      throw new IllegalArgumentException("filter of " + program.length + " bytes");
    }
    return add(
        Protocol.STEP_SECCOMP,
        out().u32(flags).u32(program.length / 8).bytes(program),
        "seccomp filter");
  }

  /** What stays in the bounding set. */
  public Steps capabilityBounding(long set) {
    return add(Protocol.STEP_CAP_BOUNDING, out().u64(set), "capability bounding set");
  }

  public Steps capabilities(long effective, long permitted, long inheritable, long ambient) {
    return add(
        Protocol.STEP_CAPS,
        out().u64(effective).u64(permitted).u64(inheritable).u64(ambient),
        "capabilities");
  }

  /** Keeps capabilities over a change of user. */
  public Steps keepCapabilities(boolean on) {
    return add(Protocol.STEP_KEEP_CAPS, out().u32(on ? 1 : 0), "keep capabilities");
  }

  public Steps user(int uid, int gid, List<Integer> groups) {
    WireWriter out = out().u32(uid).u32(gid).u32(groups.size()).u32(0);
    groups.forEach(out::u32);
    return add(Protocol.STEP_USER, out, "user " + uid + ":" + gid);
  }

  /** The working directory, made when absent if so wished. */
  public Steps workingDirectory(String path, boolean make) {
    return add(
        Protocol.STEP_CWD, out().u32(make ? 1 : 0).u32(0).text(path), "working directory " + path);
  }

  /** Finds the program as execvp would, in a search path like that of PATH. */
  public Steps lookUp(String program, String searchPath) {
    return add(Protocol.STEP_LOOK_UP, out().text(program).text(searchPath), "find " + program);
  }

  /** Reports and waits to go on. */
  public Steps stop(int number) {
    return add(Protocol.STEP_STOP, out().u32(number), "stop " + number);
  }

  /** Reports and waits for the start. */
  public Steps ready() {
    return add(Protocol.STEP_READY, out(), "ready");
  }

  public Steps hook(Hook hook) {
    return add(Protocol.STEP_HOOK, hook.encode(out()), "hook " + hook.path());
  }

  public Steps umask(int mask) {
    return add(Protocol.STEP_UMASK, out().u32(mask), "umask");
  }

  public Steps appArmor(String profile) {
    return add(Protocol.STEP_APPARMOR, out().text(profile), "AppArmor profile " + profile);
  }

  public Steps seLinux(String label) {
    return add(Protocol.STEP_SELINUX, out().text(label), "SELinux label " + label);
  }

  /** Which processors, as a list like {@code 0-3,8}. */
  public Steps affinity(String cpus) {
    return add(Protocol.STEP_AFFINITY, out().text(cpus), "affinity " + cpus);
  }

  public Steps memoryPolicy(int mode, int policyFlags, String nodes) {
    return add(
        Protocol.STEP_MEMORY_POLICY, out().u32(mode).u32(policyFlags).text(nodes), "memory policy");
  }

  /** The last step: becomes the program that {@link #lookUp} found. */
  public Steps execute(List<String> arguments, List<String> environment) {
    WireWriter out = out().u32(arguments.size()).u32(environment.size());
    String name = arguments.isEmpty() ? "" : arguments.getFirst();
    return add(Protocol.STEP_EXEC, out.texts(arguments).texts(environment), "execute " + name);
  }

  private Steps add(int code, WireWriter payload, String label) {
    encoder.add(code, 0, payload, label);
    return this;
  }

  private int index(@Nullable Fd fd) {
    return fd == null ? Protocol.NO_FD : encoder.index(fd);
  }

  private static WireWriter out() {
    return new WireWriter();
  }
}
