package io.berth.containerd.spec;

import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.ExecCreateRequest;
import io.berth.api.berth.container.v1.User;
import io.berth.base.error.BerthException;
import io.berth.oci.runtime.ProcessSpec;
import java.util.List;
import java.util.Set;

/** The specification of a process run in a container that runs. Pure. */
public final class ExecProcess {
  private ExecProcess() {}

  /**
   * Rows RK-30, RK-31: the container's own environment (as configured, not as its init may have
   * changed it) with the request's over it; its user, folder and capabilities unless the request
   * has others.
   *
   * @param init the process of the container's specification
   * @param config the container's, merged
   * @param user as the root file system resolves it, or the container's
   * @param available what the host can give at most, for a privileged process
   */
  public static ProcessSpec of(
      ExecCreateRequest request,
      ProcessSpec init,
      Config config,
      User user,
      Set<String> available) {
    if (request.getCmdCount() == 0 || request.getCmd(0).isEmpty()) {
      throw new BerthException.InvalidArgument(
          "exec in `" + request.getRef() + "`: no command specified; give a command");
    }
    request.getCmdList().forEach(word -> Texts.withoutNul("command", word));
    Environment environment = new Environment().setAll(init.env());
    if (request.getTty()) {
      if (init.env().stream().noneMatch(entry -> entry.startsWith("TERM="))) {
        environment.set("TERM=xterm");
      }
    }
    boolean other = Integer.toUnsignedLong(user.getUid()) != init.user().uid();
    boolean homeConfigured =
        config.getEnvList().stream().anyMatch(entry -> Environment.key(entry).equals("HOME"));
    if (other && !homeConfigured) {
      environment.set("HOME=" + (user.getHome().isEmpty() ? "/" : user.getHome()));
    }
    environment.setAll(request.getEnvList());
    return new ProcessSpec(
        request.getTty(),
        request.getRows() > 0 && request.getColumns() > 0
            ? new ProcessSpec.Size(request.getRows(), request.getColumns())
            : null,
        SpecGenerator.user(user, List.of()),
        List.copyOf(request.getCmdList()),
        environment.list(),
        request.getWorkingDir().isEmpty()
            ? init.cwd()
            : SpecGenerator.workingFolder(request.getWorkingDir()),
        capabilities(request, init, user, available),
        init.rlimits(),
        init.noNewPrivileges(),
        init.apparmorProfile(),
        init.oomScoreAdj(),
        null,
        init.selinuxLabel(),
        null,
        null);
  }

  private static ProcessSpec.Capabilities capabilities(
      ExecCreateRequest request, ProcessSpec init, User user, Set<String> available) {
    long uid = Integer.toUnsignedLong(user.getUid());
    if (request.getPrivileged()) {
      List<String> all = CapabilityRules.of(List.of(), List.of(), true, available);
      return new ProcessSpec.Capabilities(all, all, List.of(), all, List.of());
    }
    ProcessSpec.Capabilities own = init.capabilities();
    return CapabilityRules.sets(own == null ? List.of() : own.bounding(), uid);
  }
}
