package io.berth.shim.run;

import io.berth.base.error.BerthException;
import io.berth.base.error.LaunchFailure;
import io.berth.base.error.LaunchFailure.Kind;
import io.berth.linux.Errno;
import io.berth.linux.SyscallException;
import io.berth.linux.supervisor.Hook;
import io.berth.linux.supervisor.Step;
import io.berth.linux.supervisor.SupervisorException;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * A process that could not be made, as a failure for clients: in the words by which docker's tell
 * cases apart, and as a {@link LaunchFailure} for whoever need not read words.
 */
final class FailedLaunch {
  private FailedLaunch() {}

  /**
   * The failure with class UNKNOWN, which is what clients of containerd know from its runtimes.
   *
   * @param what was tried, for the text
   * @param step the one that failed; null if that is not known
   */
  static BerthException of(String what, @Nullable Step step, IOException failure) {
    if (!(failure instanceof SupervisorException refused)) {
      Errno errno = failure instanceof SyscallException call ? call.errno() : Errno.UNKNOWN;
      return new BerthException.Unknown(what + ": " + failure.getMessage(), failure)
          .with(new LaunchFailure(Kind.ENGINE_FAILED, "", errno));
    }
    String cause =
        switch (step) {
          case Step.LookUp lookUp -> program(lookUp.program(), refused);
          case Step.Execute execute when !execute.arguments().isEmpty() ->
              program(execute.arguments().getFirst(), refused);
          case Step.ResourceLimit limit ->
              "error setting rlimit type "
                  + limit.resource()
                  + " ("
                  + limit.name()
                  + "): "
                  + refused.errno().text();
          case Step.WorkingDirectory folder ->
              "chdir to cwd (\""
                  + folder.path()
                  + "\") set in config.json failed: "
                  + refused.errno().text();
          case Step.RunHook(Hook hook) ->
              "error running hook `" + hook.path() + "`: " + refused.getMessage();
          case null, default -> refused.getMessage();
        };
    return new BerthException.Unknown(what + ": " + cause, failure).with(detail(step, refused));
  }

  private static LaunchFailure detail(@Nullable Step step, SupervisorException refused) {
    if (step == null) {
      // After the start there is no plan any more, and only one step is left.
      return refused.isOfExecution()
          ? LaunchFailure.ofProgram(refused.object(), refused.errno())
          : detail(Kind.ENGINE_FAILED, refused.object(), refused);
    }
    return switch (step) {
      case Step.Becoming becoming -> of(becoming, refused);
      case Step.Mounting mounting -> of(mounting, refused);
      case Step.Setting setting -> of(setting, refused);
      case Step.AroundClone aroundClone -> of(aroundClone, refused);
    };
  }

  private static LaunchFailure of(Step.Becoming step, SupervisorException refused) {
    return switch (step) {
      case Step.LookUp lookUp -> LaunchFailure.ofProgram(lookUp.program(), refused.errno());
      case Step.Execute execute ->
          LaunchFailure.ofProgram(
              execute.arguments().isEmpty() ? "" : execute.arguments().getFirst(), refused.errno());
      case Step.WorkingDirectory folder ->
          detail(Kind.WORKING_DIRECTORY_REFUSED, folder.path(), refused);
      case Step.User user -> detail(Kind.USER_REFUSED, user.uid() + ":" + user.gid(), refused);
      case Step.RunHook(Hook hook) -> detail(Kind.HOOK_FAILED, hook.path(), refused);
      case Step.Seccomp _, Step.AppArmor _, Step.SeLinux _ ->
          detail(Kind.OPTION_REFUSED, refused.object(), refused);
      case Step.Console _,
          Step.Stdio _,
          Step.NoNewPrivileges _,
          Step.CapabilityBounding _,
          Step.Capabilities _,
          Step.KeepCapabilities _,
          Step.Stop _,
          Step.Ready _,
          Step.Umask _ ->
          detail(Kind.ENGINE_FAILED, refused.object(), refused);
    };
  }

  private static LaunchFailure of(Step.Mounting step, SupervisorException refused) {
    return switch (step) {
      case Step.Mount mount -> detail(Kind.MOUNT_REFUSED, mount.target(), refused);
      case Step.Bind bind -> detail(Kind.MOUNT_REFUSED, bind.target(), refused);
      case Step.Attributes mount -> detail(Kind.MOUNT_REFUSED, mount.target(), refused);
      case Step.Propagation _,
          Step.Root _,
          Step.ReadOnly _,
          Step.Mask _,
          Step.MakeNode _,
          Step.Symlink _,
          Step.MakeFolder _,
          Step.Pivot _ ->
          detail(Kind.ENGINE_FAILED, refused.object(), refused);
    };
  }

  private static LaunchFailure of(Step.Setting step, SupervisorException refused) {
    return switch (step) {
      case Step.ResourceLimit limit -> detail(Kind.OPTION_REFUSED, limit.name(), refused);
      case Step.Sysctl sysctl -> detail(Kind.OPTION_REFUSED, sysctl.path(), refused);
      case Step.Hostname _,
          Step.Domainname _,
          Step.OomScore _,
          Step.Scheduler _,
          Step.IoPriority _,
          Step.Personality _,
          Step.Affinity _,
          Step.MemoryPolicy _ ->
          detail(Kind.OPTION_REFUSED, refused.object(), refused);
      case Step.Cgroup1 _, Step.Unshare _, Step.LoopbackUp _, Step.Keyring _ ->
          detail(Kind.ENGINE_FAILED, refused.object(), refused);
    };
  }

  private static LaunchFailure of(Step.AroundClone step, SupervisorException refused) {
    return switch (step) {
      case Step.TimeOffsets _ -> detail(Kind.OPTION_REFUSED, refused.object(), refused);
      case Step.Id _,
          Step.Terminal _,
          Step.Sink _,
          Step.Join _,
          Step.JoinProcess _,
          Step.IdMaps _,
          Step.Cgroup2 _,
          Step.ProcWrite _,
          Step.OomCounter _ ->
          detail(Kind.ENGINE_FAILED, refused.object(), refused);
    };
  }

  private static LaunchFailure detail(Kind kind, String object, SupervisorException refused) {
    return new LaunchFailure(kind, object, refused.errno());
  }

  private static String program(String name, SupervisorException refused) {
    String cause =
        switch (refused.errno()) {
          // The words of Go's exec.LookPath, which runc passes on and docker takes for 127; for a
          // path they are others than for a name.
          case ENOENT, ENOTDIR ->
              name.contains("/")
                  ? "stat " + name + ": no such file or directory"
                  : "executable file not found in $PATH";
          case EACCES, EISDIR, EPERM -> "permission denied";
          case ENOEXEC -> "exec format error";
          case Errno other -> other.text();
        };
    return "exec: \"" + name + "\": " + cause;
  }
}
