package io.berth.shim.run;

import io.berth.base.id.AccountFiles;
import io.berth.linux.Fd;
import io.berth.linux.OpenFlags;
import io.berth.linux.RootedFiles;
import io.berth.linux.SyscallException;
import io.berth.oci.runtime.ProcessSpec;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Finds the home of a user by the container's own /etc/passwd. */
final class HomeFolder {
  private static final String UNKNOWN = "/";

  private HomeFolder() {}

  /** The home in the container with this root; null if the environment has one already. */
  static @Nullable String of(ProcessSpec process, Fd root) {
    if (process.env().stream().anyMatch(variable -> variable.startsWith("HOME="))) {
      return null;
    }
    RootedFiles files = RootedFiles.at(root, RootedFiles.Confinement.IN_ROOT);
    int flags = OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK | OpenFlags.O_NOCTTY;
    try (Fd passwd = files.open("etc/passwd", flags)) {
      if (!passwd.status().isRegular()) {
        return UNKNOWN;
      }
      AccountFiles.User user =
          AccountFiles.user(
              passwd.readAll(AccountFiles.MAX_BYTES), each -> each.uid() == process.user().uid());
      return user == null || user.home().isEmpty() ? UNKNOWN : user.home();
    } catch (SyscallException absent) {
      return UNKNOWN;
    }
  }

  /** The same in a container that runs. */
  static @Nullable String ofRunning(ProcessSpec process, int init) {
    if (process.env().stream().anyMatch(variable -> variable.startsWith("HOME="))) {
      return null;
    }
    Path path = Path.of("/proc", Integer.toString(init), "root");
    try (Fd root = Fd.open(path, OpenFlags.O_PATH | OpenFlags.O_DIRECTORY)) {
      return of(process, root);
    } catch (SyscallException gone) {
      return UNKNOWN;
    }
  }
}
