package io.berth.shim;

import io.berth.base.config.Config;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.Stdio;
import io.berth.base.layout.TaskFolder;
import io.berth.oci.runtime.RuntimeSpec;
import io.berth.shim.cgroup.CgroupFolders;
import io.berth.shim.cgroup.CgroupLayout;
import io.berth.shim.cgroup.CgroupPath;
import io.berth.shim.plan.InitPlan;
import io.berth.shim.plan.PlanText;
import io.berth.shim.plan.PlannedContainer;
import io.berth.shim.run.Filters;
import io.berth.shim.run.MachineProbe;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Prints the plan for a bundle; no container is made. */
final class PrintPlan {
  private PrintPlan() {}

  static int run(Path given, PrintStream out, PrintStream err) {
    Path bundle = given.toAbsolutePath().normalize();
    Path config = TaskFolder.configOf(bundle);
    try {
      RuntimeSpec spec = RuntimeSpec.read(Files.readAllBytes(config), config.toString());
      RuntimeSpec.Root root = spec.root();
      CgroupPath path =
          CgroupPath.of(
              spec.linux().cgroupsPath(),
              /* systemd= */ false,
              Config.defaults().cgroupParent(),
              new TaskKey("default", "printed"));
      boolean terminal = spec.process() != null && spec.process().terminal();
      String rootPath =
          (root == null ? TaskFolder.rootfsOf(bundle) : bundle.resolve(root.path())).toString();
      PlannedContainer container =
          new PlannedContainer(
              "printed",
              bundle.toString(),
              spec,
              rootPath,
              rootPath,
              List.of(),
              new Stdio("", "", "", terminal),
              CgroupFolders.of(CgroupLayout.ofHost(), path),
              new Filters().of(spec.linux().seccomp()),
              /* home= */ null,
              /* noPivot= */ false,
              /* noKeyring= */ false);
      out.print(PlanText.of(InitPlan.of(container, MachineProbe.read())));
      return 0;
    } catch (IOException | BerthException e) {
      err.println("berth-shim: plan of `" + bundle + "`: " + e.getMessage());
      return 1;
    }
  }
}
