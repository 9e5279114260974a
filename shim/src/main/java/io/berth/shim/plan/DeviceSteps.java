package io.berth.shim.plan;

import io.berth.base.error.BerthException;
import io.berth.linux.OpenFlags;
import io.berth.linux.supervisor.Handle;
import io.berth.linux.supervisor.MountStep;
import io.berth.linux.supervisor.Step;
import io.berth.oci.runtime.Linux;
import io.berth.oci.runtime.RuntimeSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Device nodes that every container has (runtime-spec, config-linux.md), and those it asks for. */
final class DeviceSteps {
  private static final int DEFAULT_MODE = 0666;

  /** What the kernel's numbers of devices hold (include/linux/kdev_t.h). */
  private static final long MAX_MAJOR = (1 << 12) - 1;

  private static final long MAX_MINOR = (1 << 20) - 1;

  private DeviceSteps() {}

  static List<Step> steps(PlannedContainer container, MachineFacts host) {
    RuntimeSpec spec = container.spec();
    if (hasTheHostsDev(spec)) {
      return List.of();
    }
    Map<String, Linux.Device> devices = new LinkedHashMap<>();
    node(devices, "/dev/null", 1, 3);
    node(devices, "/dev/zero", 1, 5);
    node(devices, "/dev/full", 1, 7);
    node(devices, "/dev/random", 1, 8);
    node(devices, "/dev/urandom", 1, 9);
    node(devices, "/dev/tty", 5, 0);
    spec.linux().devices().forEach(device -> devices.put(device.path(), device));
    // What the client mounts in a device's place is what it wants there.
    spec.mounts().forEach(mount -> devices.remove(mount.destination()));
    // It becomes a symbolic link into the container's own devpts below.
    devices.remove("/dev/ptmx");
    List<Step> steps = new ArrayList<>();
    boolean user = spec.linux().namespace("user") != null;
    for (Linux.Device device : devices.values()) {
      if (!device.path().startsWith("/")) {
        throw new BerthException.InvalidArgument(
            "device `" + device.path() + "`: not an absolute path");
      }
      steps.add(user ? bound(device) : made(device));
    }
    steps.add(new Step.Symlink("/proc/self/fd", "/dev/fd"));
    steps.add(new Step.Symlink("/proc/self/fd/0", "/dev/stdin"));
    steps.add(new Step.Symlink("/proc/self/fd/1", "/dev/stdout"));
    steps.add(new Step.Symlink("/proc/self/fd/2", "/dev/stderr"));
    if (host.sources().at("/proc/kcore") != MachineFacts.Kind.ABSENT) {
      steps.add(new Step.Symlink("/proc/kcore", "/dev/core"));
    }
    steps.add(new Step.Symlink("pts/ptmx", "/dev/ptmx"));
    return steps;
  }

  private static boolean hasTheHostsDev(RuntimeSpec spec) {
    return spec.mounts().stream()
        .anyMatch(mount ->
            mount.destination().equals("/dev")
                && (mount.type().equals("bind") || MountOptions.parse(mount.options()).bind()));
  }

  private static void node(Map<String, Linux.Device> devices, String path, int major, int minor) {
    devices.put(path, new Linux.Device(path, "c", major, minor, DEFAULT_MODE, 0L, 0L));
  }

  private static Step made(Linux.Device device) {
    int type =
        switch (device.type()) {
          case "c", "u" -> OpenFlags.S_IFCHR;
          case "b" -> OpenFlags.S_IFBLK;
          case "p" -> OpenFlags.S_IFIFO;
          default ->
              throw new BerthException.InvalidArgument(
                  "device `" + device.path() + "`: there is no type `" + device.type() + "`");
        };
    if (type != OpenFlags.S_IFIFO
        && (device.major() < 0
            || device.major() > MAX_MAJOR
            || device.minor() < 0
            || device.minor() > MAX_MINOR)) {
      throw new BerthException.InvalidArgument(
          "device `"
              + device.path()
              + "`: there is no number "
              + device.major()
              + ":"
              + device.minor());
    }
    Integer mode = device.fileMode();
    return new Step.MakeNode(
        device.path(),
        type | ((mode == null ? DEFAULT_MODE : mode) & 07777),
        device.major(),
        device.minor(),
        id(device.uid(), "uid of device `" + device.path() + "`"),
        id(device.gid(), "gid of device `" + device.path() + "`"));
  }

  /** mknod(2) fails in a user namespace, so the machine's nodes are bound there. */
  private static Step bound(Linux.Device device) {
    return new Step.Bind(
        new Handle.Clone(device.path(), /* recursive= */ false),
        device.path(),
        0,
        0,
        0,
        MountStep.MAKE_FILE);
  }

  private static int id(@Nullable Long id, String what) {
    return id == null ? 0 : ProcessSteps.id(id, what);
  }
}
