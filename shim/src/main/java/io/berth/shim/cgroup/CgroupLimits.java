package io.berth.shim.cgroup;

import io.berth.base.error.BerthException;
import io.berth.linux.DeviceFilter;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.OpenFlags;
import io.berth.linux.SyscallException;
import io.berth.oci.runtime.Resources;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Writes limits into the files of a cgroup. */
final class CgroupLimits {
  private final CgroupFolders folders;

  CgroupLimits(CgroupFolders folders) {
    this.folders = folders;
  }

  /** Sets the limits of a container that is being made, device rules included. */
  void set(Resources resources) throws IOException {
    apply(resources);
    limitDevices(resources);
  }

  /** Changes limits; what is absent or zero stays, and device rules stay if there are none. */
  void change(Resources resources) throws IOException {
    apply(resources);
    if (!resources.devices().isEmpty()) {
      limitDevices(resources);
    }
  }

  private void limitDevices(Resources resources) throws IOException {
    String unified = folders.version2();
    if (folders.of("devices") != null) {
      for (Limits.Write write : DeviceLimits.version1(resources)) {
        write(write);
      }
    } else if (unified != null) {
      DeviceFilter filter = DeviceLimits.version2(resources);
      int flags = OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY;
      try (Fd folder = Fd.open(Path.of(unified), flags)) {
        filter.decideFor(folder);
      } catch (SyscallException e) {
        throw new BerthException.Unknown("device rules of `" + unified + "`: " + e.getMessage(), e);
      }
    }
  }

  private void apply(Resources resources) throws IOException {
    for (Limits.Write write : Limits.version1(resources)) {
      if (!folders.unified()) {
        write(write);
      }
    }
    String unified = folders.version2();
    if (unified != null && (folders.unified() || !resources.unified().isEmpty())) {
      for (Limits.Write write : Limits.version2(resources)) {
        if (folders.unified() || resources.unified().containsKey(write.file())) {
          writeTo(unified, write);
        }
      }
    }
  }

  private void write(Limits.Write write) throws IOException {
    String folder = folders.of(write.controller());
    if (folder != null) {
      writeTo(folder, write);
    } else if (write.failure() == Limits.Write.Failure.TOLD) {
      throw new BerthException.FailedPrecondition(
          "limit "
              + write.file()
              + ": this kernel has no "
              + write.controller()
              + " controller; leave it out");
    }
  }

  private static void writeTo(String folder, Limits.Write write) throws IOException {
    if (write.file().contains("/") || write.file().startsWith(".")) {
      throw new BerthException.InvalidArgument("limit `" + write.file() + "`: no such file");
    }
    try {
      ControlFiles.write(folder, write.file(), write.value());
    } catch (SyscallException e) {
      boolean absent = ControlFiles.isAbsent(e) || e.is(Errno.EACCES) || e.is(Errno.EOPNOTSUPP);
      if (write.failure() == Limits.Write.Failure.IGNORED
          || (write.failure() == Limits.Write.Failure.TOLD_IF_BUILT && absent)) {
        return;
      }
      throw refusal(folder, write, e);
    }
  }

  /** What a person is told of a write that the kernel refused. */
  static BerthException refusal(String folder, Limits.Write write, SyscallException e)
      throws SyscallException {
    if (ControlFiles.isAbsent(e)) {
      return lacking(folder, write.file(), e);
    }
    String above = folder.substring(0, Math.max(0, folder.lastIndexOf('/')));
    String left = ControlFiles.readIfThere(above, write.file());
    if (write.file().startsWith("cpu.rt_") && e.is(Errno.EINVAL) && left != null) {
      // A cgroup begins without any time for tasks of a real-time class, and gives from its own
      // (Documentation/scheduler/sched-rt-group.rst).
      return new BerthException.FailedPrecondition(
          "limit "
              + write.file()
              + " "
              + write.value()
              + ": cgroup `"
              + above
              + "` does not give so much, it has "
              + left
              + " itself; write more to its cpu.rt_runtime_us and to those above it, or leave"
              + " --cpu-rt-runtime and --cpu-rt-period out",
          e);
    }
    return new BerthException.Unknown(
        "write `"
            + write.value()
            + "` to `"
            + folder
            + "/"
            + write.file()
            + "`: "
            + e.errno().text(),
        e);
  }

  /** What an absent file of version 2 means: a controller that is lacking, or the cgroup itself. */
  private static BerthException lacking(String folder, String file, SyscallException e)
      throws SyscallException {
    String controller = file.contains(".") ? file.substring(0, file.indexOf('.')) : file;
    String available = ControlFiles.readIfThere(folder, "cgroup.controllers");
    if (available == null || List.of(available.split(" ", -1)).contains(controller)) {
      return new BerthException.FailedPrecondition(
          "limit " + file + ": cgroup `" + folder + "` has no such file", e);
    }
    String top = folder;
    String controllers = available;
    for (String above = available; above != null; ) {
      controllers = above;
      top = top.substring(0, Math.max(0, top.lastIndexOf('/')));
      above = top.isEmpty() ? null : ControlFiles.readIfThere(top, "cgroup.controllers");
    }
    return new BerthException.FailedPrecondition(
        List.of(controllers.split(" ", -1)).contains(controller)
            ? "limit "
                + file
                + ": the cgroups above `"
                + folder
                + "` do not pass the "
                + controller
                + " controller on"
            : "limit " + file + ": this kernel has no " + controller + " controller; leave it out",
        e);
  }
}
