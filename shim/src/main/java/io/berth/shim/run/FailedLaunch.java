package io.berth.shim.run;

import io.berth.base.error.BerthException;
import io.berth.base.error.LaunchFailure;
import io.berth.base.error.LaunchFailure.Kind;
import io.berth.linux.Errno;
import io.berth.linux.SyscallException;
import io.berth.linux.supervisor.Handle;
import io.berth.linux.supervisor.Hook;
import io.berth.linux.supervisor.PeerGone;
import io.berth.linux.supervisor.Step;
import io.berth.linux.supervisor.SupervisorException;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * A process that could not be made, as a failure for clients: in a person's words, where they
 * matter in those by which docker's daemon tells cases apart, and as a {@link LaunchFailure} for
 * whoever need not read words. Neither says a name that the client has not given.
 */
final class FailedLaunch {
  private final SupervisorException refused;

  private FailedLaunch(SupervisorException refused) {
    this.refused = refused;
  }

  /** What the failure is about and why it came, in the two forms. */
  private record Told(Kind kind, String object, String words) {}

  /**
   * The failure with class UNKNOWN, which is what clients of containerd know from its runtimes.
   *
   * @param step the one that failed; null if that is not known, as after the start, when there is
   *     no plan any more
   */
  static BerthException of(@Nullable Step step, IOException failure) {
    if (!(failure instanceof SupervisorException refused)) {
      Errno errno = failure instanceof SyscallException call ? call.errno() : Errno.UNKNOWN;
      String why =
          failure instanceof PeerGone
              ? "the container's supervisor has ended; was it killed?"
              : failure.getMessage();
      return new BerthException.Unknown("make the process: " + why, failure)
          .with(new LaunchFailure(Kind.ENGINE_FAILED, "", errno));
    }
    Told told = new FailedLaunch(refused).told(step);
    return new BerthException.Unknown(told.words, failure)
        .with(new LaunchFailure(told.kind, told.object, refused.errno()));
  }

  private Told told(@Nullable Step step) {
    return switch (step) {
      case null ->
          refused.isOfExecution()
              ? program(refused.object())
              : refused.isOfHook()
                  ? hook(refused.object().split(": ", 2)[0])
                  : refused.isOfListener()
                      ? listener(refused.object())
                      : refused.isOfFilter() ? filter() : engine("make the process");
      case Step.Becoming becoming -> told(becoming);
      case Step.Mounting mounting -> told(mounting);
      case Step.Setting setting -> told(setting);
      case Step.AroundClone aroundClone -> told(aroundClone);
    };
  }

  private Told told(Step.Becoming step) {
    return switch (step) {
      case Step.LookUp lookUp -> program(lookUp.program());
      case Step.Execute execute ->
          program(execute.arguments().isEmpty() ? "" : execute.arguments().getFirst());
      case Step.WorkingDirectory folder ->
          new Told(
              Kind.WORKING_DIRECTORY_REFUSED,
              folder.path(),
              "working directory `" + folder.path() + "`: " + cause());
      case Step.User user -> user(user);
      case Step.RunHook(Hook hook) -> hook(hook.path());
      case Step.Seccomp _ -> filter();
      case Step.AppArmor label ->
          option(
              label.profile(),
              "AppArmor profile `" + label.profile() + "`",
              refused.is(Errno.ENOENT) ? "it is not loaded; see apparmor_parser(8)" : "");
      case Step.SeLinux label -> option(label.label(), "SELinux label `" + label.label() + "`", "");
      case Step.CapabilityBounding _, Step.Capabilities _, Step.KeepCapabilities _ ->
          option(
              "",
              "capabilities",
              refused.is(Errno.EPERM) ? "the engine may not give away all of them" : "");
      case Step.NoNewPrivileges _ -> option("", "no-new-privileges", "");
      case Step.Console _ -> engine("make the terminal");
      case Step.Stdio _ -> engine("connect the streams");
      case Step.Stop _, Step.Ready _, Step.Umask _ -> engine("make the process");
    };
  }

  private Told hook(String path) {
    return new Told(
        Kind.HOOK_FAILED,
        path,
        "hook `" + path + "`: " + refused.operation() + ": " + refused.object());
  }

  private Told listener(String path) {
    return option(
        path,
        "seccomp listener `" + path + "`",
        switch (refused.errno()) {
          case ECONNREFUSED -> "nobody listens there";
          case EAGAIN -> "it has too many connections waiting";
          case Errno _ -> "";
        });
  }

  private Told filter() {
    return option(
        "",
        "seccomp filter",
        refused.is(Errno.EPERM) ? "it forbids a call without which no program starts" : "");
  }

  private Told user(Step.User user) {
    String ids = user.uid() + ":" + user.gid();
    String why = refused.is(Errno.EINVAL) ? "the user namespace does not map it" : cause();
    return new Told(Kind.USER_REFUSED, ids, "user `" + ids + "`: " + why);
  }

  private Told told(Step.Mounting step) {
    return switch (step) {
      case Step.Mount mount -> mount(mount.type(), mount.target());
      case Step.Bind bind -> mount(source(bind.mount()), bind.target());
      case Step.Attributes mount ->
          new Told(
              Kind.MOUNT_REFUSED,
              mount.target(),
              "options of the mount on `" + mount.target() + "`: " + cause());
      case Step.ReadOnly path ->
          option(path.target(), "make `" + path.target() + "` read-only", "");
      case Step.Mask path -> option(path.target(), "mask `" + path.target() + "`", "");
      case Step.MakeNode node -> option(node.target(), "device `" + node.target() + "`", "");
      case Step.Symlink link -> engine("make the link `" + link.target() + "`");
      case Step.MakeFolder folder ->
          new Told(
              Kind.WORKING_DIRECTORY_REFUSED,
              folder.target(),
              "working directory `" + folder.target() + "`: " + cause());
      case Step.Propagation _, Step.Root _, Step.Pivot _ -> engine("enter the root file system");
    };
  }

  private static String source(Handle mount) {
    return switch (mount) {
      case Handle.Clone(String path, boolean _) -> path;
      case Handle.MappedClone mapped -> mapped.path();
      case Handle.MappedTmpfs _ -> "tmpfs";
      case Handle _ -> "root file system";
    };
  }

  private Told mount(String source, String target) {
    String why =
        switch (refused.errno()) {
          case EISDIR -> "a file cannot be mounted on a folder";
          case ENOTDIR -> "the target is a file, or lies below one; a folder needs a folder";
          case EXDEV -> "a link leads it into /proc, which steers the kernel; choose another place";
          case EROFS -> "the target is not there, and where it would be is read-only";
          case Errno _ -> cause();
        };
    return new Told(
        Kind.MOUNT_REFUSED, target, "mount `" + source + "` on `" + target + "`: " + why);
  }

  private Told told(Step.Setting step) {
    return switch (step) {
      case Step.ResourceLimit limit ->
          option(
              limit.name(),
              "limit " + limit.name() + " of " + limit.soft() + ":" + limit.hard(),
              switch (refused.errno()) {
                case EPERM -> "the hard limit is above the engine's own";
                case EINVAL -> "the soft limit is above the hard one";
                case Errno _ -> "";
              });
      case Step.Sysctl sysctl ->
          option(
              sysctl.path(),
              "sysctl `" + sysctl.path().replace('/', '.') + "=" + sysctl.value() + "`",
              "");
      case Step.Hostname name -> option(name.name(), "hostname `" + name.name() + "`", "");
      case Step.Domainname name -> option(name.name(), "domainname `" + name.name() + "`", "");
      case Step.OomScore score -> option("", "oom score adjustment " + score.adjustment(), "");
      case Step.Scheduler _ -> option("", "scheduler", "");
      case Step.IoPriority _ -> option("", "io priority", "");
      case Step.Personality _ -> option("", "personality", "");
      case Step.Affinity cpus -> option(cpus.cpus(), "cpu affinity `" + cpus.cpus() + "`", "");
      case Step.MemoryPolicy policy ->
          option(policy.nodes(), "memory policy for nodes `" + policy.nodes() + "`", "");
      case Step.Cgroup1 _ -> engine("enter the cgroup");
      case Step.Unshare _ -> engine("make the namespaces");
      case Step.LoopbackUp _ -> engine("bring the loopback up");
      case Step.Keyring _ -> engine("make the keyring");
    };
  }

  private Told told(Step.AroundClone step) {
    return switch (step) {
      case Step.TimeOffsets _ -> option("", "time offsets", "");
      case Step.Join join ->
          join.namespace() instanceof Handle.NamespaceFile(String path)
              ? option(path, "namespace `" + path + "`", "")
              : engine("join a namespace");
      case Step.Listener listener -> listener(listener.path());
      case Step.IdMaps _ -> option("", "id mappings", "");
      case Step.ProcWrite write -> option(write.value(), write.file() + " " + write.value(), "");
      case Step.Cgroup2 _ -> engine("enter the cgroup");
      case Step.JoinProcess _ -> engine("enter the container");
      case Step.Id _, Step.Terminal _, Step.Sink _, Step.OomCounter _ -> engine("make the process");
    };
  }

  /** A wish of the client's that was refused; `why` is empty where the kernel's word will do. */
  private Told option(String object, String wish, String why) {
    return new Told(Kind.OPTION_REFUSED, object, wish + ": " + (why.isEmpty() ? cause() : why));
  }

  /** A failure of which nothing that the client asked for is known to be the reason. */
  private Told engine(String what) {
    String about = refused.object().isEmpty() ? "" : " `" + refused.object() + "`";
    return new Told(
        Kind.ENGINE_FAILED,
        refused.object(),
        what + ": " + refused.operation() + about + ": " + cause());
  }

  private String cause() {
    Errno errno = refused.errno();
    return errno == Errno.UNKNOWN ? "error " + refused.number() : errno.text();
  }

  private Told program(String name) {
    String why =
        switch (refused.errno()) {
          // The words of Go's exec.LookPath, which runc passes on and docker takes for 127; for a
          // path they are others than for a name.
          case ENOENT, ENOTDIR ->
              name.contains("/")
                  ? "stat " + name + ": no such file or directory"
                  : "executable file not found in $PATH";
          case EACCES, EISDIR, EPERM -> "permission denied";
          case Errno _ -> cause();
        };
    LaunchFailure failure = LaunchFailure.ofProgram(name, refused.errno());
    return new Told(failure.kind(), name, "exec: \"" + name + "\": " + why);
  }
}
