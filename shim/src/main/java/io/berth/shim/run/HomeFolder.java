package io.berth.shim.run;

import io.berth.base.id.AccountFiles;
import io.berth.linux.Fd;
import io.berth.linux.OpenFlags;
import io.berth.linux.RootedFiles;
import io.berth.linux.SyscallException;
import io.berth.oci.runtime.ProcessSpec;
import io.berth.oci.runtime.RuntimeSpec;
import io.berth.shim.plan.MountOptions;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds the home of a user by the /etc/passwd that a container has inside: the one of its root file
 * system, or what its mounts put in that one's place.
 */
final class HomeFolder {
  private static final String UNKNOWN = "/";
  private static final Path PASSWD = Path.of("/etc/passwd");
  private static final int READ = OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK | OpenFlags.O_NOCTTY;
  private static final int FOLDER = OpenFlags.O_PATH | OpenFlags.O_DIRECTORY;

  private HomeFolder() {}

  /**
   * The home in a container that is to be made; null if the environment has one already.
   *
   * @param root its root file system, as yet without the mounts
   * @param bundle what relative sources of mounts are relative to
   */
  static @Nullable String of(
      ProcessSpec process, Fd root, List<RuntimeSpec.Mount> mounts, Path bundle) {
    if (isGiven(process)) {
      return null;
    }
    RuntimeSpec.Mount covering = null;
    for (RuntimeSpec.Mount mount : mounts) {
      if (PASSWD.startsWith(place(mount))) {
        covering = mount;
      }
    }
    try {
      return covering == null ? in(root, PASSWD, process) : in(covering, bundle, process);
    } catch (SyscallException absent) {
      return UNKNOWN;
    }
  }

  private static Path place(RuntimeSpec.Mount mount) {
    return Path.of("/").resolve(mount.destination()).normalize();
  }

  private static String in(RuntimeSpec.Mount mount, Path bundle, ProcessSpec process)
      throws SyscallException {
    if (!mount.type().equals("bind") && !MountOptions.parse(mount.options()).bind()) {
      return UNKNOWN;
    }
    Path source = bundle.resolve(mount.source());
    Path place = place(mount);
    if (place.equals(PASSWD)) {
      try (Fd passwd = Fd.open(source, READ)) {
        return by(passwd, process);
      }
    }
    try (Fd folder = Fd.open(source, FOLDER)) {
      return in(folder, place.relativize(PASSWD), process);
    }
  }

  private static String in(Fd root, Path path, ProcessSpec process) throws SyscallException {
    RootedFiles files = RootedFiles.at(root, RootedFiles.Confinement.IN_ROOT);
    String relative = path.isAbsolute() ? path.toString().substring(1) : path.toString();
    try (Fd passwd = files.open(relative, READ)) {
      return by(passwd, process);
    }
  }

  private static String by(Fd passwd, ProcessSpec process) throws SyscallException {
    if (!passwd.status().isRegular()) {
      return UNKNOWN;
    }
    AccountFiles.User user =
        AccountFiles.user(
            passwd.readAll(AccountFiles.MAX_BYTES), each -> each.uid() == process.user().uid());
    return user == null || user.home().isEmpty() ? UNKNOWN : user.home();
  }

  /** The same in a container that runs. */
  static @Nullable String ofRunning(ProcessSpec process, int init) {
    if (isGiven(process)) {
      return null;
    }
    try (Fd root = Fd.open(Path.of("/proc", Integer.toString(init), "root"), FOLDER)) {
      return in(root, PASSWD, process);
    } catch (SyscallException gone) {
      return UNKNOWN;
    }
  }

  private static boolean isGiven(ProcessSpec process) {
    return process.env().stream().anyMatch(variable -> variable.startsWith("HOME="));
  }
}
