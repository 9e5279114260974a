package io.berth.shim.api;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.berth.base.json.Json;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * The specification of the warm-up's containers: as wide as what clients send, for a part that no
 * round has touched is slow in the first real container. The filter alone cost half a second there:
 * its part of the document read, libseccomp's functions linked, each by code that had never run.
 */
final class WarmUpSpec {
  private static final List<String> CAPABILITIES =
      List.of(
          "CAP_CHOWN",
          "CAP_DAC_OVERRIDE",
          "CAP_FOWNER",
          "CAP_KILL",
          "CAP_MKNOD",
          "CAP_NET_BIND_SERVICE",
          "CAP_SETGID",
          "CAP_SETUID");

  /** Calls that the warm-up's process needs, and others, as in a profile of the usual width. */
  private static final String ALLOWED =
      "accept access arch_prctl bind brk capget capset chdir chmod chown clock_gettime clone clone3"
          + " close close_range connect dup dup2 dup3 epoll_create1 epoll_ctl epoll_wait eventfd2"
          + " execve execveat exit exit_group faccessat fchdir fchmod fchown fcntl fork fstat"
          + " fsync futex getcwd getdents64 getegid geteuid getgid getpid getppid getrandom"
          + " getrlimit getuid ioctl kill lseek lstat madvise mkdir mmap mprotect mremap munmap"
          + " nanosleep newfstatat open openat openat2 pipe2 poll ppoll prctl pread64 prlimit64"
          + " pwrite64 read readlink readv recvmsg rename rseq rt_sigaction rt_sigprocmask"
          + " rt_sigreturn sched_yield seccomp sendmsg set_robust_list set_tid_address setgid"
          + " setgroups setresgid setresuid setsid setuid sigaltstack socketpair stat statfs statx"
          + " tgkill umask uname unlink utimensat vfork wait4 waitid write writev";

  private WarmUpSpec() {}

  /**
   * For the supervisor's program telling its version.
   *
   * @param etc a folder with a file `hosts`, mounted inside
   * @param round makes the filter another one, so that it is compiled each time
   */
  static ObjectNode of(Path root, Path program, Path etc, int round) {
    ObjectNode spec = Json.mapper().createObjectNode().put("ociVersion", "1.0.2");
    process(spec.putObject("process"));
    spec.putObject("root").put("path", root.toString());
    spec.put("hostname", "warm");
    mounts(spec.putArray("mounts"), program, etc);
    ObjectNode linux = spec.putObject("linux");
    ObjectNode resources = linux.putObject("resources");
    ArrayNode devices = resources.putArray("devices");
    devices.addObject().put("allow", false).put("access", "rwm");
    devices.addObject().put("allow", true).put("type", "c").put("major", 1).put("minor", 3);
    resources.putObject("pids").put("limit", 16);
    for (String type : List.of("pid", "ipc", "uts", "mount", "network")) {
      linux.withArray("namespaces").addObject().put("type", type);
    }
    linux.putArray("maskedPaths").add("/proc/kcore").add("/sys/firmware");
    linux.putArray("readonlyPaths").add("/proc/sys");
    seccomp(linux.putObject("seccomp"), round);
    return spec;
  }

  private static void process(ObjectNode process) {
    process.put("cwd", "/").put("noNewPrivileges", true).put("oomScoreAdj", 0);
    process.putObject("user").put("uid", 0).put("gid", 0).putArray("additionalGids").add(10);
    process.putArray("args").add("/program").add("--version");
    process.putArray("env").add("PATH=/").add("HOSTNAME=warm").add("HOME=/");
    ObjectNode sets = process.putObject("capabilities");
    for (String set : List.of("bounding", "effective", "permitted")) {
      CAPABILITIES.forEach(sets.putArray(set)::add);
    }
    process
        .putArray("rlimits")
        .addObject()
        .put("type", "RLIMIT_NOFILE")
        .put("soft", 1024)
        .put("hard", 1024);
  }

  private static void mounts(ArrayNode mounts, Path program, Path etc) {
    mount(mounts, "/proc", "proc", "nosuid", "noexec", "nodev");
    mount(mounts, "/dev", "tmpfs", "nosuid", "strictatime", "mode=755", "size=64k");
    mount(mounts, "/dev/pts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666");
    mount(mounts, "/sys", "sysfs", "nosuid", "noexec", "nodev", "ro");
    mount(mounts, "/sys/fs/cgroup", "cgroup", "nosuid", "noexec", "nodev", "relatime", "ro");
    mount(mounts, "/dev/mqueue", "mqueue", "nosuid", "noexec", "nodev");
    mount(mounts, "/dev/shm", "tmpfs", "nosuid", "noexec", "nodev", "mode=1777", "size=64k");
    bind(mounts, "/etc/hosts", etc.resolve("hosts"), "rbind", "rprivate");
    bind(mounts, "/program", program, "bind", "ro");
  }

  /** Adds a mount whose source has the name of its type. */
  private static void mount(ArrayNode mounts, String target, String type, String... options) {
    ObjectNode mount =
        mounts.addObject().put("destination", target).put("type", type).put("source", type);
    ArrayNode words = mount.putArray("options");
    Stream.of(options).forEach(words::add);
  }

  private static void bind(ArrayNode mounts, String target, Path source, String... options) {
    mount(mounts, target, "bind", options);
    ((ObjectNode) mounts.get(mounts.size() - 1)).put("source", source.toString());
  }

  private static void seccomp(ObjectNode profile, int round) {
    profile.put("defaultAction", "SCMP_ACT_ERRNO").put("defaultErrnoRet", 100 + round);
    if (System.getProperty("os.arch", "").equals("amd64")) {
      profile
          .putArray("architectures")
          .add("SCMP_ARCH_X86_64")
          .add("SCMP_ARCH_X86")
          .add("SCMP_ARCH_X32");
    }
    ArrayNode rules = profile.putArray("syscalls");
    ObjectNode allow = rules.addObject().put("action", "SCMP_ACT_ALLOW");
    Stream.of(ALLOWED.split(" ")).forEach(allow.putArray("names")::add);
    ObjectNode socket = rules.addObject().put("action", "SCMP_ACT_ALLOW");
    socket.putArray("names").add("socket");
    ObjectNode family = argument(0, 0xffffffffL, "SCMP_CMP_MASKED_EQ").put("valueTwo", 1);
    socket.putArray("args").add(family);
    ObjectNode domain = rules.addObject().put("action", "SCMP_ACT_ALLOW");
    domain.putArray("names").add("personality");
    domain.putArray("args").add(argument(0, 0, "SCMP_CMP_EQ"));
  }

  private static ObjectNode argument(int index, long value, String comparison) {
    return Json.mapper()
        .createObjectNode()
        .put("index", index)
        .put("value", value)
        .put("op", comparison);
  }
}
