package io.berth.shim.run;

import io.berth.linux.SyscallException;
import io.berth.linux.supervisor.Hook;
import io.berth.linux.supervisor.LaunchPlan;
import io.berth.linux.supervisor.Steps;
import io.berth.shim.plan.ExecPlan;
import io.berth.shim.plan.InitPlan;
import io.berth.shim.plan.Step;
import io.berth.shim.stdio.StreamFiles;
import java.io.IOException;
import java.time.Duration;
import java.util.List;

/** Turns a plan into the bytes that the supervisor reads, and its handles into descriptors. */
public final class PlanWriter {
  private final Steps out;
  private final Handles handles;
  private final StreamFiles streams;

  private PlanWriter(Steps out, Handles handles, StreamFiles streams) {
    this.out = out;
    this.handles = handles;
    this.streams = streams;
  }

  /**
   * Of an init. The handles and streams stay open until the supervisor has answered.
   *
   * @throws IOException if something that the plan names cannot be opened
   */
  public static LaunchPlan write(InitPlan plan, Handles handles, StreamFiles streams)
      throws IOException {
    return write(LaunchPlan.init(plan.namespaces()), plan.steps(), handles, streams);
  }

  static LaunchPlan write(ExecPlan plan, Handles handles, StreamFiles streams) throws IOException {
    return write(LaunchPlan.exec(), plan.steps(), handles, streams);
  }

  private static LaunchPlan write(Steps out, List<Step> steps, Handles handles, StreamFiles streams)
      throws IOException {
    PlanWriter writer = new PlanWriter(out, handles, streams);
    for (Step step : steps) {
      if (!writer.outside(step) && !writer.mounting(step)) {
        writer.inside(step);
      }
    }
    return out.build();
  }

  /** Steps around the clone. */
  private boolean outside(Step step) throws IOException {
    switch (step) {
      case Step.Id s -> out.id(s.execId());
      case Step.Terminal s -> out.terminal(s.rows(), s.columns());
      case Step.Sink s -> out.sink(s.stream(), streams.open(s.stream(), s.to()));
      case Step.Join s -> out.join(s.type(), handles.of(s.namespace()));
      case Step.IdMaps s -> out.idMaps(s.uidMap(), s.gidMap(), s.denySetgroups());
      case Step.Cgroup2 s -> out.cgroup2(handles.of(s.folder()));
      case Step.ProcWrite s -> out.writeProc(handles.of(s.proc()), s.file(), s.value());
      case Step.OomCounter s -> out.oomCounter(handles.of(s.file()));
      case Step.TimeOffsets s -> out.timeOffsets(s.offsets());
      case Step.JoinProcess s -> out.joinPidfd(handles.of(s.process()), s.types());
      default -> {
        return false;
      }
    }
    return true;
  }

  /** Steps that build the tree. */
  private boolean mounting(Step step) throws SyscallException {
    switch (step) {
      case Step.Propagation s -> out.propagation(s.flags(), s.path());
      case Step.Root s -> out.root(handles.another(s.mount()), s.path());
      case Step.Mount s -> {
        Steps.Filesystem fs =
            new Steps.Filesystem(
                s.type(),
                s.source(),
                s.target(),
                s.data(),
                s.attributes(),
                s.propagation(),
                s.flags(),
                s.mode());
        if (s.copyUp()) {
          out.copyUp(fs);
        } else {
          out.mount(fs);
        }
      }
      case Step.Bind s ->
          out.bind(
              handles.another(s.mount()),
              s.target(),
              new Steps.Change(s.set(), s.clear(), s.propagation(), s.flags()));
      case Step.Attributes s ->
          out.attributes(
              s.target(), new Steps.Change(s.set(), s.clear(), s.propagation(), s.flags()));
      case Step.ReadOnly s -> out.readOnly(s.target());
      case Step.Mask s -> out.mask(handles.of(s.nullDevice()), s.target());
      case Step.MakeNode s ->
          out.makeNode(
              new Steps.Node(s.mode(), s.major(), s.minor(), s.uid(), s.gid(), s.target()));
      case Step.Symlink s -> out.symlink(s.content(), s.target());
      case Step.MakeFolder s -> out.makeFolder(s.mode(), s.target());
      case Step.Pivot s -> out.pivot(s.moveAndChroot());
      default -> {
        return false;
      }
    }
    return true;
  }

  /** The rest, in the new process. */
  private void inside(Step step) throws SyscallException {
    switch (step) {
      case Step.Cgroup1 s -> out.cgroup1(handles.of(s.tasks()));
      case Step.Unshare s -> out.unshare(s.types());
      case Step.Hostname s -> out.hostname(s.name());
      case Step.Domainname s -> out.domainname(s.name());
      case Step.LoopbackUp _ -> out.loopbackUp();
      case Step.ResourceLimit s -> out.resourceLimit(s.resource(), s.soft(), s.hard());
      case Step.Sysctl s -> out.sysctl(s.path(), s.value());
      case Step.OomScore s -> out.oomScore(s.adjustment());
      case Step.Scheduler s ->
          out.scheduler(
              new Steps.Scheduler(
                  s.policy(),
                  s.nice(),
                  s.priority(),
                  s.flags(),
                  s.runtime(),
                  s.deadline(),
                  s.period()));
      case Step.IoPriority s -> out.ioPriority(s.value());
      case Step.Personality s -> out.personality(s.value());
      case Step.Keyring s -> out.keyring(s.name()).optional();
      case Step.Console s -> out.console(s.uid(), s.bindDevConsole());
      case Step.Stdio s -> out.stdio(s.uid(), s.gid());
      case Step.NoNewPrivileges _ -> out.noNewPrivileges();
      case Step.Seccomp s -> out.seccomp(s.filter().flags(), s.filter().program());
      case Step.CapabilityBounding s -> out.capabilityBounding(s.set());
      case Step.Capabilities s ->
          out.capabilities(s.effective(), s.permitted(), s.inheritable(), s.ambient());
      case Step.KeepCapabilities s -> out.keepCapabilities(s.on());
      case Step.User s -> out.user(s.uid(), s.gid(), s.groups());
      case Step.WorkingDirectory s -> out.workingDirectory(s.path(), false);
      case Step.LookUp s -> out.lookUp(s.program(), s.searchPath());
      case Step.Stop s -> out.stop(s.number());
      case Step.Ready _ -> out.ready();
      case Step.Hook s -> out.hook(hook(s.call()));
      case Step.Umask s -> out.umask(s.mask());
      case Step.AppArmor s -> out.appArmor(s.profile());
      case Step.SeLinux s -> out.seLinux(s.label());
      case Step.Affinity s -> out.affinity(s.cpus());
      case Step.MemoryPolicy s -> out.memoryPolicy(s.mode(), s.flags(), s.nodes());
      case Step.Execute s -> out.execute(s.arguments(), s.environment());
      default -> throw new IllegalStateException("no such step: " + step);
    }
  }

  static Hook hook(Step.HookCall call) {
    return new Hook(
        call.path(),
        call.arguments(),
        call.environment(),
        Duration.ofMillis(call.timeoutMillis()),
        call.stateBeforePid(),
        call.stateAfterPid());
  }
}
