package io.berth.oci.runtime;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import io.berth.base.json.Json;
import io.berth.base.json.Values;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A process in a container: its init, or one that is run later.
 *
 * @param capabilities null: the container's own (exec), none at all (init)
 * @param cwd absolute, inside
 */
public record ProcessSpec(
    boolean terminal,
    @Nullable Size consoleSize,
    User user,
    List<String> args,
    List<String> env,
    String cwd,
    @Nullable Capabilities capabilities,
    List<Rlimit> rlimits,
    boolean noNewPrivileges,
    String apparmorProfile,
    @Nullable Integer oomScoreAdj,
    @Nullable Scheduler scheduler,
    String selinuxLabel,
    @Nullable IoPriority ioPriority,
    @JsonProperty("execCPUAffinity") @Nullable CpuAffinity cpuAffinity) {
  public ProcessSpec {
    user = user == null ? User.ROOT : user;
    args = Values.copy(args);
    env = Values.copy(env);
    cwd = Values.text(cwd);
    rlimits = Values.copy(rlimits);
    apparmorProfile = Values.text(apparmorProfile);
    selinuxLabel = Values.text(selinuxLabel);
  }

  /** INVALID_ARGUMENT, naming `what`, when the bytes are no such document. */
  public static ProcessSpec read(byte[] bytes, String what) {
    SpecFields.check(bytes, SpecFields.PROCESS, what);
    return Json.read(bytes, ProcessSpec.class, what);
  }

  /** The same process, with or without a terminal. */
  public ProcessSpec withTerminal(boolean wanted) {
    return new ProcessSpec(
        wanted,
        consoleSize,
        user,
        args,
        env,
        cwd,
        capabilities,
        rlimits,
        noNewPrivileges,
        apparmorProfile,
        oomScoreAdj,
        scheduler,
        selinuxLabel,
        ioPriority,
        cpuAffinity);
  }

  /** An exec: capabilities and limits that it does not bring are those of the init. */
  public ProcessSpec inheriting(ProcessSpec init) {
    return new ProcessSpec(
        terminal,
        consoleSize,
        user,
        args,
        env,
        cwd,
        capabilities == null ? init.capabilities : capabilities,
        rlimits.isEmpty() ? init.rlimits : rlimits,
        noNewPrivileges,
        apparmorProfile.isEmpty() ? init.apparmorProfile : apparmorProfile,
        oomScoreAdj,
        scheduler == null ? init.scheduler : scheduler,
        selinuxLabel.isEmpty() ? init.selinuxLabel : selinuxLabel,
        ioPriority == null ? init.ioPriority : ioPriority,
        cpuAffinity == null ? init.cpuAffinity : cpuAffinity);
  }

  /** Of a terminal, in characters. */
  public record Size(int height, int width) {}

  /** Ids as seen inside. */
  public record User(
      @JsonDeserialize(using = Bits64.class) long uid,
      @JsonDeserialize(using = Bits64.class) long gid,
      @Nullable Integer umask,
      List<Long> additionalGids) {
    /** Nothing but 0. */
    public static final User ROOT = new User(0, 0, null, List.of());

    public User {
      additionalGids = Values.copy(additionalGids);
    }
  }

  /** Five sets of names like {@code CAP_CHOWN}. */
  public record Capabilities(
      List<String> bounding,
      List<String> effective,
      List<String> inheritable,
      List<String> permitted,
      List<String> ambient) {
    /** None at all. */
    public static final Capabilities NONE =
        new Capabilities(List.of(), List.of(), List.of(), List.of(), List.of());

    public Capabilities {
      bounding = Values.copy(bounding);
      effective = Values.copy(effective);
      inheritable = Values.copy(inheritable);
      permitted = Values.copy(permitted);
      ambient = Values.copy(ambient);
    }
  }

  /** A limit of setrlimit(2) by name ({@code RLIMIT_NOFILE}); all bits set is infinity. */
  public record Rlimit(
      String type,
      @JsonDeserialize(using = Bits64.class) long hard,
      @JsonDeserialize(using = Bits64.class) long soft) {
    public Rlimit {
      type = Values.text(type);
    }
  }

  /** What sched_setattr(2) takes; policy by name ({@code SCHED_BATCH}). */
  public record Scheduler(
      String policy,
      int nice,
      int priority,
      List<String> flags,
      @JsonDeserialize(using = Bits64.class) long runtime,
      @JsonDeserialize(using = Bits64.class) long deadline,
      @JsonDeserialize(using = Bits64.class) long period) {
    public Scheduler {
      policy = Values.text(policy);
      flags = Values.copy(flags);
    }
  }

  /** Class by name ({@code IOPRIO_CLASS_BE}) and its level. */
  public record IoPriority(@JsonProperty("class") String ioClass, int priority) {
    public IoPriority {
      ioClass = Values.text(ioClass);
    }
  }

  /** Lists of CPUs, before and after an exec'd process has moved to the container's cgroup. */
  public record CpuAffinity(
      @JsonProperty("initial") String initial, @JsonProperty("final") String last) {
    public CpuAffinity {
      initial = Values.text(initial);
      last = Values.text(last);
    }
  }
}
