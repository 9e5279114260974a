package io.berth.shim.plan;

import io.berth.base.layout.Stdio;
import io.berth.linux.supervisor.Handle;
import io.berth.linux.supervisor.Step;
import io.berth.oci.runtime.Linux;
import io.berth.oci.runtime.ProcessSpec;
import io.berth.oci.runtime.RuntimeSpec;
import io.berth.shim.cgroup.CgroupFolders;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The plan of another process in a container that exists. */
public record ExecPlan(List<Step> steps) {
  public ExecPlan {
    steps = List.copyOf(steps);
  }

  /**
   * What is to be run.
   *
   * @param spec of the container, whose filter, limits and capabilities count where the process
   *     brings none
   */
  public record Request(
      String containerId,
      String execId,
      String bundle,
      RuntimeSpec spec,
      ProcessSpec process,
      Stdio stdio,
      CgroupFolders cgroups,
      Step.@Nullable Filter filter,
      @Nullable String home,
      boolean noKeyring) {}

  /**
   * Makes the plan.
   *
   * @throws BerthException.InvalidArgument for a process that no kernel would run
   * @throws BerthException.FailedPrecondition for a security module that this machine has not
   */
  public static ExecPlan of(Request request, MachineFacts host) {
    RuntimeSpec spec = request.spec;
    ProcessSpec process = inherit(request.process.withTerminal(request.stdio.terminal()), spec);
    ProcessSteps identity = new ProcessSteps(process, host, request.filter, request.home);
    List<Step> steps = new ArrayList<>(ProcessSteps.outer(request.execId, process, request.stdio));
    int types = CloneFlags.of("mount");
    for (Linux.Namespace namespace : spec.linux().namespaces()) {
      types |= CloneFlags.of(namespace.type());
    }
    steps.add(new Step.JoinProcess(new Handle.InitProcess(), types));
    String version2 = request.cgroups.version2();
    if (version2 != null) {
      steps.add(new Step.Cgroup2(new Handle.Cgroup2(version2)));
    }
    Linux.Seccomp profile = spec.linux().seccomp();
    if (profile != null && identity.asksListener()) {
      steps.add(HookCalls.listener(spec, profile, request.containerId, request.bundle, "running"));
    }
    boolean user = spec.linux().namespace("user") != null;
    ProcessSpec init = spec.process();
    Integer oomScore = init == null ? null : init.oomScoreAdj();
    if (oomScore != null && user) {
      steps.add(new Step.ProcWrite(new Handle.HostProc(), "oom_score_adj", oomScore.toString()));
    }
    String counter = request.cgroups.oomCounter();
    if (counter != null) {
      steps.add(new Step.OomCounter(new Handle.OomCounter(counter)));
    }
    ProcessSpec.CpuAffinity affinity = process.cpuAffinity();
    if (affinity != null && !affinity.initial().isEmpty()) {
      steps.add(new Step.Affinity(affinity.initial()));
    }
    InitPlan.enterCgroups(steps, request.cgroups);
    if (!request.noKeyring) {
      steps.add(new Step.Keyring("_ses." + request.containerId));
    }
    steps.add(identity.streams(/* init= */ false));
    steps.addAll(identity.limits(process.rlimits(), user ? null : oomScore));
    if (affinity != null && !affinity.last().isEmpty()) {
      steps.add(new Step.Affinity(affinity.last()));
    }
    steps.addAll(ProcessSteps.domain(spec.linux()));
    steps.addAll(identity.identity());
    steps.addAll(identity.execution());
    return new ExecPlan(steps);
  }

  private static ProcessSpec inherit(ProcessSpec process, RuntimeSpec spec) {
    ProcessSpec init = spec.process();
    if (init == null) {
      return process;
    }
    return process.inheriting(init);
  }

  /** The step that a failure names, or null if the plan has none of that number. */
  public @Nullable Step at(int index) {
    return index >= 0 && index < steps.size() ? steps.get(index) : null;
  }
}
