package io.berth.shim.plan;

import io.berth.base.error.BerthException;
import io.berth.linux.MountFlags;
import io.berth.linux.supervisor.Handle;
import io.berth.linux.supervisor.Hook;
import io.berth.linux.supervisor.MountStep;
import io.berth.linux.supervisor.Step;
import io.berth.oci.runtime.Linux;
import io.berth.oci.runtime.ProcessSpec;
import io.berth.oci.runtime.RuntimeSpec;
import io.berth.shim.cgroup.CgroupFolders;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The plan of a container's init.
 *
 * @param namespaces {@code CLONE_NEW*} made by its clone
 */
public record InitPlan(int namespaces, List<Step> steps) {
  /** The number of the stop at which the plan waits for hooks and interfaces of the machine. */
  public static final int STOP_FOR_HOOKS = 1;

  private static final int NEW_USER = CloneFlags.of("user");
  private static final int NEW_CGROUP = CloneFlags.of("cgroup");

  /** What the kernel takes for a name of an interface; one %d in it becomes a number. */
  private static final Pattern NET_DEVICE =
      Pattern.compile("(?=.{1,15}$)[!-~&&[^/:%]]*(%d)?[!-~&&[^/:%]]*");

  public InitPlan {
    steps = List.copyOf(steps);
  }

  /**
   * Makes the plan.
   *
   * @throws BerthException.InvalidArgument for a document that contradicts itself or names what
   *     does not exist
   * @throws BerthException.FailedPrecondition for a security module that this machine has not
   * @throws BerthException.NotImplemented for what is not built
   */
  public static InitPlan of(PlannedContainer container, MachineFacts host) {
    return new Compiler(container, host).compile();
  }

  /**
   * Whether something of the plan is looked up by a path of the machine when it is carried out, not
   * before: the hooks that run between the two roots, the sources of file systems, the listener of
   * a filter, and the place of the root in a mount namespace that is joined.
   */
  public static boolean looksAtMachine(RuntimeSpec spec) {
    return !spec.hooks().createContainer().isEmpty()
        || spec.linux().namespaces().stream().anyMatch(InitPlan::isJoinedForMounts)
        || hasListener(spec.linux().seccomp())
        || spec.mounts().stream().anyMatch(MountSteps::looksAtMachine);
  }

  private static boolean hasListener(Linux.@Nullable Seccomp profile) {
    return profile != null && !profile.listenerPath().isEmpty();
  }

  private static boolean isJoinedForMounts(Linux.Namespace namespace) {
    return namespace.type().equals("mount") && !namespace.path().isEmpty();
  }

  /** A map as the kernel reads it, a line for each range (user_namespaces(7)). */
  static String map(List<RuntimeSpec.IdMapping> mappings) {
    StringBuilder text = new StringBuilder();
    for (RuntimeSpec.IdMapping mapping : mappings) {
      text.append(mapping.containerID())
          .append(' ')
          .append(mapping.hostID())
          .append(' ')
          .append(mapping.size())
          .append('\n');
    }
    return text.toString();
  }

  private static final class Compiler {
    private final PlannedContainer container;
    private final MachineFacts host;
    private final RuntimeSpec spec;
    private final Linux linux;
    private final ProcessSpec process;
    private final List<Step> steps = new ArrayList<>();
    private int made;

    Compiler(PlannedContainer container, MachineFacts host) {
      this.container = container;
      this.host = host;
      this.spec = container.spec();
      this.linux = spec.linux();
      ProcessSpec given = spec.process();
      if (given == null) {
        throw new BerthException.InvalidArgument("specification: it has no process");
      }
      this.process = given.withTerminal(container.stdio().terminal());
    }

    InitPlan compile() {
      ProcessSteps identity = new ProcessSteps(process, host, container.filter(), container.home());
      steps.addAll(ProcessSteps.outer("", process, container.stdio()));
      namespaces();
      aroundTheClone();
      listener(identity);
      enterCgroups(steps, container.cgroups());
      if ((made & NEW_CGROUP) != 0) {
        steps.add(new Step.Unshare(NEW_CGROUP));
      }
      names();
      MountSteps mounts = new MountSteps(container, host);
      root(mounts);
      hooks();
      steps.addAll(Sysctls.steps(linux));
      steps.add(new Step.Pivot(container.noPivot()));
      if (!container.noKeyring()) {
        steps.add(new Step.Keyring("_ses." + container.id()));
      }
      steps.add(identity.streams(/* init= */ true));
      close(mounts);
      boolean oomFromOutside = (made & NEW_USER) != 0;
      steps.addAll(
          identity.limits(process.rlimits(), oomFromOutside ? null : process.oomScoreAdj()));
      steps.addAll(ProcessSteps.domain(linux));
      memoryPolicy();
      steps.addAll(identity.identity());
      steps.add(new Step.Ready());
      for (Hook hook : calls(spec.hooks().startContainer(), "created")) {
        steps.add(new Step.RunHook(hook));
      }
      steps.addAll(identity.execution());
      return new InitPlan(made & ~NEW_CGROUP, steps);
    }

    private void namespaces() {
      Set<String> seen = new LinkedHashSet<>();
      made = CloneFlags.of("mount");
      List<Step> joins = new ArrayList<>();
      for (Linux.Namespace namespace : linux.namespaces()) {
        int type = CloneFlags.of(namespace.type());
        if (!seen.add(namespace.type())) {
          throw new BerthException.InvalidArgument(
              "namespace `" + namespace.type() + "`: given twice");
        }
        if (namespace.path().isEmpty()) {
          made |= type;
          continue;
        }
        // The root is made in the namespace that is joined, and it is the root of all there.
        made &= ~type;
        Step join = new Step.Join(type, new Handle.NamespaceFile(namespace.path()));
        // A user namespace owns the others, and setns(2) asks for rights in it: it is joined first.
        joins.add(type == NEW_USER ? 0 : joins.size(), join);
      }
      steps.addAll(joins);
      if ((made & NEW_USER) != 0) {
        if (linux.uidMappings().isEmpty() || linux.gidMappings().isEmpty()) {
          throw new BerthException.InvalidArgument(
              "user namespace: no id mappings are given for it");
        }
        steps.add(new Step.IdMaps(map(linux.uidMappings()), map(linux.gidMappings()), false));
      } else if (!seen.contains("user")
          && !(linux.uidMappings().isEmpty() && linux.gidMappings().isEmpty())) {
        throw new BerthException.InvalidArgument(
            "id mappings: they need a user namespace, and none is asked for");
      }
    }

    private void aroundTheClone() {
      checkNetDevices();
      CgroupFolders cgroups = container.cgroups();
      String version2 = cgroups.version2();
      if (version2 != null) {
        steps.add(new Step.Cgroup2(new Handle.Cgroup2(version2)));
      }
      Integer oomScore = process.oomScoreAdj();
      if (oomScore != null && (made & NEW_USER) != 0) {
        steps.add(new Step.ProcWrite(new Handle.HostProc(), "oom_score_adj", oomScore.toString()));
      }
      String counter = cgroups.oomCounter();
      if (counter != null) {
        steps.add(new Step.OomCounter(new Handle.OomCounter(counter)));
      }
      if (!linux.timeOffsets().isEmpty()) {
        if (linux.namespace("time") == null) {
          throw new BerthException.InvalidArgument(
              "time offsets: they need a time namespace, and none is asked for");
        }
        StringBuilder text = new StringBuilder();
        linux.timeOffsets().forEach(Compiler::checkOffset);
        linux
            .timeOffsets()
            .forEach((clock, offset) ->
                text.append(clock)
                    .append(' ')
                    .append(offset.secs())
                    .append(' ')
                    .append(offset.nanoseconds())
                    .append('\n'));
        steps.add(new Step.TimeOffsets(text.toString()));
      }
    }

    private static void checkOffset(String clock, Linux.TimeOffset offset) {
      if (!Set.of("monotonic", "boottime").contains(clock)) {
        throw new BerthException.InvalidArgument(
            "time offsets: clock `" + clock + "` has none; monotonic and boottime have");
      }
      if (offset.nanoseconds() < 0 || offset.nanoseconds() > 999_999_999) {
        throw new BerthException.InvalidArgument(
            "time offsets: clock `"
                + clock
                + "`: nanosecs "
                + offset.nanoseconds()
                + " is not between 0 and 999999999");
      }
    }

    private void listener(ProcessSteps identity) {
      Linux.Seccomp profile = linux.seccomp();
      if (profile != null && identity.asksListener()) {
        steps.add(
            HookCalls.listener(
                spec,
                profile,
                container.id(),
                container.bundle(),
                identity.filterComesLast() ? "created" : "creating"));
      }
    }

    private void checkNetDevices() {
      Set<String> inside = new LinkedHashSet<>();
      linux
          .netDevices()
          .forEach((name, device) -> {
            if (linux.namespace("network") == null) {
              throw new BerthException.InvalidArgument(
                  "network device `"
                      + name
                      + "`: it needs a network namespace to go to, and none is asked for");
            }
            String become = device.nameInside(name);
            if (!NET_DEVICE.matcher(become).matches() || Set.of(".", "..").contains(become)) {
              throw new BerthException.InvalidArgument(
                  "network device `"
                      + name
                      + "`: it cannot be called `"
                      + become
                      + "`; a name has at most 15 bytes, no blank, slash or colon");
            }
            if (!become.contains("%") && !inside.add(become)) {
              throw new BerthException.InvalidArgument(
                  "network device `" + name + "`: another one becomes `" + become + "`, too");
            }
          });
    }

    private void names() {
      if (!spec.hostname().isEmpty() || !spec.domainname().isEmpty()) {
        if (linux.namespace("uts") == null) {
          throw new BerthException.InvalidArgument(
              "hostname: it needs a uts namespace, and none is asked for");
        }
      }
      if (!spec.hostname().isEmpty()) {
        steps.add(new Step.Hostname(spec.hostname()));
      }
      if (!spec.domainname().isEmpty()) {
        steps.add(new Step.Domainname(spec.domainname()));
      }
      if ((made & CloneFlags.of("network")) != 0) {
        steps.add(new Step.LoopbackUp());
      }
    }

    private void root(MountSteps mounts) {
      steps.add(new Step.Propagation(propagation(), "/"));
      Handle root =
          container.given().isEmpty()
              ? new Handle.Clone(container.rootPath(), /* recursive= */ true)
              : new Handle.GivenMount(0);
      steps.add(new Step.Root(root, container.rootPlace()));
      // A copy of a shared mount is its peer: the machine would see what is mounted here, and
      // pivot_root(2) refuses a shared mount.
      steps.add(new Step.Attributes("/", 0, 0, propagation(), 0));
      for (int i = 1; i < container.given().size(); i++) {
        PlannedContainer.GivenMount mount = container.given().get(i);
        steps.add(
            new Step.Bind(
                new Handle.GivenMount(i),
                mount.target(),
                0,
                0,
                0,
                mount.folder() ? MountStep.MAKE_FOLDER : MountStep.MAKE_FILE));
      }
      steps.addAll(mounts.steps());
      steps.addAll(DeviceSteps.steps(container, host));
      if (!process.cwd().equals("/")) {
        steps.add(new Step.MakeFolder(process.cwd(), 0755));
      }
    }

    private long propagation() {
      return switch (linux.rootfsPropagation()) {
        case "private", "rprivate", "unbindable", "runbindable" ->
            MountFlags.MS_PRIVATE | MountFlags.MS_REC;
        case "", "slave", "rslave", "shared", "rshared" -> MountFlags.MS_SLAVE | MountFlags.MS_REC;
        default ->
            throw new BerthException.InvalidArgument(
                "rootfsPropagation `"
                    + linux.rootfsPropagation()
                    + "`: there is none of that name");
      };
    }

    private void hooks() {
      // Those that run elsewhere are checked here all the same: later nothing can be refused.
      for (List<RuntimeSpec.Hook> elsewhere :
          List.of(
              spec.hooks().prestart(),
              spec.hooks().createRuntime(),
              spec.hooks().poststart(),
              spec.hooks().poststop())) {
        var _ = calls(elsewhere, "");
      }
      // Interfaces of the machine are there before their settings and hooks that look at them.
      if (spec.hooks().stopsCreation() || !linux.netDevices().isEmpty()) {
        steps.add(new Step.Stop(STOP_FOR_HOOKS));
      }
      for (Hook hook : calls(spec.hooks().createContainer(), "creating")) {
        steps.add(new Step.RunHook(hook));
      }
    }

    private List<Hook> calls(List<RuntimeSpec.Hook> hooks, String status) {
      return HookCalls.of(hooks, spec, container.id(), container.bundle(), status);
    }

    /** Closes what must not be written to any more. */
    private void close(MountSteps mounts) {
      for (String path : linux.readonlyPaths()) {
        steps.add(new Step.ReadOnly(absolute("readonlyPaths", path)));
      }
      for (String path : linux.maskedPaths()) {
        steps.add(
            new Step.Mask(
                new Handle.Clone("/dev/null", /* recursive= */ false),
                absolute("maskedPaths", path)));
      }
      steps.addAll(mounts.closing());
      RuntimeSpec.Root root = spec.root();
      if (root != null && root.readonly()) {
        steps.add(new Step.Attributes("/", MountFlags.MOUNT_ATTR_RDONLY, 0, 0, 0));
      }
      long own =
          switch (linux.rootfsPropagation()) {
            case "shared", "rshared" -> MountFlags.MS_SHARED;
            case "unbindable", "runbindable" -> MountFlags.MS_UNBINDABLE;
            default -> 0;
          };
      if (own != 0) {
        steps.add(new Step.Attributes("/", 0, 0, own, 0));
      }
    }

    private static String absolute(String field, String path) {
      if (!path.startsWith("/")) {
        throw new BerthException.InvalidArgument(field + " `" + path + "`: not an absolute path");
      }
      return path;
    }

    private void memoryPolicy() {
      Linux.MemoryPolicy policy = linux.memoryPolicy();
      if (policy == null || policy.mode().isEmpty()) {
        return;
      }
      int mode =
          List.of(
                  "MPOL_DEFAULT",
                  "MPOL_PREFERRED",
                  "MPOL_BIND",
                  "MPOL_INTERLEAVE",
                  "MPOL_LOCAL",
                  "MPOL_PREFERRED_MANY",
                  "MPOL_WEIGHTED_INTERLEAVE")
              .indexOf(policy.mode());
      if (mode < 0) {
        throw new BerthException.InvalidArgument(
            "memory policy `" + policy.mode() + "`: there is none of that name");
      }
      int flags = 0;
      for (String flag : policy.flags()) {
        flags |=
            switch (flag) {
              case "MPOL_F_NUMA_BALANCING" -> 1 << 13;
              case "MPOL_F_RELATIVE_NODES" -> 1 << 14;
              case "MPOL_F_STATIC_NODES" -> 1 << 15;
              default ->
                  throw new BerthException.InvalidArgument(
                      "memory policy flag `" + flag + "`: there is none of that name");
            };
      }
      steps.add(new Step.MemoryPolicy(mode, flags, policy.nodes()));
    }
  }

  static void enterCgroups(List<Step> steps, CgroupFolders cgroups) {
    for (CgroupFolders.Folder folder : cgroups.version1()) {
      steps.add(new Step.Cgroup1(new Handle.CgroupTasks(folder.path())));
    }
  }

  /** The step that a failure names, or null if the plan has none of that number. */
  public @Nullable Step at(int index) {
    return index >= 0 && index < steps.size() ? steps.get(index) : null;
  }
}
