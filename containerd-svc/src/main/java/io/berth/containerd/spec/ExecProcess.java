package io.berth.containerd.spec;

import io.berth.base.error.BerthException;
import io.berth.containerd.settings.ContainerConfig;
import io.berth.containerd.settings.ExecSettings;
import io.berth.containerd.settings.ResolvedUser;
import io.berth.oci.runtime.ProcessSpec;
import java.util.List;
import java.util.Set;

/**
 * Makes the specification of a further process in a container that runs. The answer depends on the
 * arguments alone.
 */
public final class ExecProcess {
  private ExecProcess() {}

  /**
   * The process gets the container's own environment (as configured, not as its init may have
   * changed it) with the request's over it, and the container's user, folder and capabilities
   * unless the request has others.
   *
   * @param wish what is to be run
   * @param init the first process of the container's specification
   * @param config the container's, with the image's laid under it
   * @param user as the root file system resolves it, or the container's
   * @param available the capabilities that the host can give, for a privileged process
   */
  public static ProcessSpec of(
      ExecSettings wish,
      ProcessSpec init,
      ContainerConfig config,
      ResolvedUser user,
      Set<String> available) {
    if (wish.command().isEmpty() || wish.command().getFirst().isEmpty()) {
      throw new BerthException.InvalidArgument(
          "exec in `" + wish.container() + "`: no command specified; give a command");
    }
    wish.command().forEach(word -> Texts.withoutNul("command", word));
    Environment environment = new Environment().setAll(init.env());
    if (wish.terminal() && init.env().stream().noneMatch(entry -> entry.startsWith("TERM="))) {
      environment.set("TERM=xterm");
    }
    boolean homeConfigured =
        config.environment().stream().anyMatch(entry -> Environment.key(entry).equals("HOME"));
    if (!homeConfigured) {
      // A container of an earlier version brings the home of its first process.
      environment.set("HOME");
    }
    environment.setAll(wish.environment());
    return new ProcessSpec(
        wish.terminal(),
        wish.size().isKnown()
            ? new ProcessSpec.Size(wish.size().rows(), wish.size().columns())
            : null,
        SpecGenerator.user(user, List.of()),
        wish.command(),
        environment.list(),
        wish.workingDirectory().isEmpty()
            ? init.cwd()
            : SpecGenerator.workingFolder(wish.workingDirectory()),
        capabilities(wish, init, user, available),
        init.rlimits(),
        init.noNewPrivileges(),
        wish.privileged() ? "" : init.apparmorProfile(),
        init.oomScoreAdj(),
        null,
        init.selinuxLabel(),
        null,
        null);
  }

  private static ProcessSpec.Capabilities capabilities(
      ExecSettings wish, ProcessSpec init, ResolvedUser user, Set<String> available) {
    if (wish.privileged()) {
      List<String> all = CapabilityRules.of(List.of(), List.of(), true, available);
      return new ProcessSpec.Capabilities(all, all, List.of(), all, List.of());
    }
    ProcessSpec.Capabilities own = init.capabilities();
    return CapabilityRules.sets(own == null ? List.of() : own.bounding(), user.uid());
  }
}
