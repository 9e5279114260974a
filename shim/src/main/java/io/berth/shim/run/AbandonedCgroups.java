package io.berth.shim.run;

import io.berth.shim.cgroup.Cgroup;
import io.berth.shim.cgroup.CgroupPath;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.function.Predicate;

/** Cgroups of containers of which nothing else is left. */
public final class AbandonedCgroups {
  private static final Logger LOG = System.getLogger(AbandonedCgroups.class.getName());

  private AbandonedCgroups() {}

  /**
   * Removes cgroups of one namespace, and whatever still lives in them.
   *
   * @param abandoned tells by a container's id whether nobody owns it
   */
  public static void sweep(
      ShimProcessServices services, String namespace, Predicate<String> abandoned)
      throws IOException {
    String parent = "/" + services.config().cgroupParent() + "/" + namespace;
    for (String id : Cgroup.at(services.cgroups(), new CgroupPath(parent)).childNames()) {
      if (!abandoned.test(id)) {
        continue;
      }
      Cgroup left = Cgroup.at(services.cgroups(), new CgroupPath(parent + "/" + id));
      LOG.log(Level.INFO, "cgroup `{0}` was left by a process that is gone", left.path());
      left.killAll();
      TaskDeletion.removeCgroup(services, left);
    }
  }
}
