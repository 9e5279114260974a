package io.berth.shim.plan;

import io.berth.base.error.BerthException;
import io.berth.base.error.LaunchFailure;
import io.berth.linux.Errno;
import io.berth.linux.MountFlags;
import io.berth.linux.supervisor.Handle;
import io.berth.linux.supervisor.MountStep;
import io.berth.linux.supervisor.Step;
import io.berth.oci.runtime.Linux;
import io.berth.oci.runtime.ProcPlaces;
import io.berth.oci.runtime.RuntimeSpec;
import io.berth.shim.cgroup.CgroupFolders;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Everything mounted inside, in the order of the specification. */
final class MountSteps {
  /** Where one file system serves every mount of a kind, only the mount can be read-only. */
  private static final Set<String> SHARED_OR_EMPTY =
      Set.of("proc", "sysfs", "tmpfs", "devpts", "mqueue", "cgroup", "cgroup2", "ramfs");

  /** Where each file has its label from the kernel's policy. */
  private static final Set<String> LABELLED_OTHERWISE = Set.of("proc", "sysfs", "mqueue");

  private final PlannedContainer container;
  private final MachineFacts host;
  private final Linux linux;
  private final List<Step> steps = new ArrayList<>();
  private final List<Step> atTheEnd = new ArrayList<>();

  MountSteps(PlannedContainer container, MachineFacts host) {
    this.container = container;
    this.host = host;
    this.linux = container.spec().linux();
  }

  /** Whether the mount's source or options can be paths that the kernel looks up. */
  static boolean looksAtMachine(RuntimeSpec.Mount mount) {
    return !mount.type().equals("bind")
        && !SHARED_OR_EMPTY.contains(mount.type())
        && !MountOptions.parse(mount.options()).bind();
  }

  List<Step> steps() {
    if (!linux.mountLabel().isEmpty() && !host.seLinux()) {
      throw new BerthException.FailedPrecondition(
          "mount label `"
              + linux.mountLabel()
              + "`: SELinux is not enabled on this host; enable it, or make the container again"
              + " without a label");
    }
    for (RuntimeSpec.Mount mount : container.spec().mounts()) {
      add(mount);
    }
    return steps;
  }

  /** What becomes read-only only after others were mounted in it; call after {@link #steps}. */
  List<Step> closing() {
    return atTheEnd;
  }

  private void add(RuntimeSpec.Mount mount) {
    if (mount.destination().isEmpty()) {
      throw new BerthException.InvalidArgument(
          "mount of `" + mount.source() + "`: it has no destination");
    }
    if (!mount.destination().startsWith("/")) {
      // runc takes such a path as relative to the root, though the specification forbids
      // it.
      add(
          new RuntimeSpec.Mount(
              "/" + mount.destination(),
              mount.type(),
              mount.source(),
              mount.options(),
              mount.uidMappings(),
              mount.gidMappings()));
      return;
    }
    ProcPlaces.check(mount.destination(), mount.type(), mount.source());
    MountOptions options = MountOptions.parse(mount.options());
    boolean bind = options.bind() || mount.type().equals("bind");
    boolean mapped = isMapped(mount, options);
    if (mapped) {
      checkMapped(mount, options, bind);
    }
    if (options.copyUp() && (bind || !mount.type().equals("tmpfs"))) {
      throw new BerthException.InvalidArgument(
          "mount `" + mount.destination() + "`: tmpcopyup is for tmpfs only");
    }
    if (bind) {
      bind(mount, options);
    } else if (mapped) {
      mappedTmpfs(mount, options);
    } else if (mount.type().equals("cgroup") || mount.type().equals("cgroup2")) {
      cgroups(mount, options);
    } else if (mount.type().equals("sysfs") && sysfsIsRefused()) {
      bindSys(mount, options);
    } else {
      fileSystem(mount, options);
    }
  }

  private void bind(RuntimeSpec.Mount mount, MountOptions options) {
    String source =
        mount.source().startsWith("/") ? mount.source() : container.bundle() + "/" + mount.source();
    MachineFacts.Kind kind = host.sources().at(source);
    if (kind == MachineFacts.Kind.ABSENT) {
      throw new BerthException.InvalidArgument(
              "mount `"
                  + mount.destination()
                  + "`: source `"
                  + source
                  + "` does not exist: no such file or directory")
          .with(new LaunchFailure(LaunchFailure.Kind.MOUNT_REFUSED, source, Errno.ENOENT));
    }
    if (options.remount()) {
      atTheEnd.add(
          new Step.Attributes(
              mount.destination(), options.set(), options.clear(), options.propagation(), 0));
      return;
    }
    int flags = kind == MachineFacts.Kind.FOLDER ? MountStep.MAKE_FOLDER : MountStep.MAKE_FILE;
    // Without a wish the mount receives what is mounted on the machine below its source, and the
    // machine receives nothing from it, as for the rest of the namespace.
    long propagation =
        options.propagation() != 0
            ? options.propagation()
            : isShared() ? 0 : MountFlags.MS_SLAVE | MountFlags.MS_REC;
    steps.add(
        new Step.Bind(
            isMapped(mount, options)
                ? new Handle.MappedClone(
                    source,
                    options.recursive(),
                    idMap(mount),
                    options.idMapped() == MountOptions.IdMapping.TREE)
                : new Handle.Clone(source, options.recursive()),
            mount.destination(),
            options.set(),
            options.clear(),
            propagation,
            flags));
    recursiveAttributes(mount, options);
  }

  private static boolean isMapped(RuntimeSpec.Mount mount, MountOptions options) {
    return options.idMapped() != MountOptions.IdMapping.NONE
        || !mount.uidMappings().isEmpty()
        || !mount.gidMappings().isEmpty();
  }

  /** What the kernel would not map, in words about the mount. */
  private static void checkMapped(RuntimeSpec.Mount mount, MountOptions options, boolean bind) {
    String why =
        !bind && !mount.type().equals("tmpfs")
            ? "only bind mounts and tmpfs can have their ids mapped"
            : options.remount()
                ? "a mount that is there already cannot have its ids mapped"
                : options.copyUp() ? "tmpcopyup and mapped ids exclude each other" : "";
    if (!why.isEmpty()) {
      throw new BerthException.InvalidArgument("mount `" + mount.destination() + "`: " + why);
    }
  }

  private void mappedTmpfs(RuntimeSpec.Mount mount, MountOptions options) {
    long attributes = options.set();
    if (options.readOnly()) {
      attributes = writableUntilTheEnd(mount, options);
    }
    steps.add(
        new Step.Bind(
            new Handle.MappedTmpfs(options.data(), idMap(mount)),
            mount.destination(),
            attributes,
            0,
            options.propagation(),
            MountStep.MAKE_FOLDER));
  }

  /** The attributes that a tmpfs has while other mounts may want to make their targets in it. */
  private long writableUntilTheEnd(RuntimeSpec.Mount mount, MountOptions options) {
    atTheEnd.add(new Step.Attributes(mount.destination(), MountFlags.MOUNT_ATTR_RDONLY, 0, 0, 0));
    return options.set() & ~MountFlags.MOUNT_ATTR_RDONLY;
  }

  /** The mount's own maps; without them those of the container's user namespace. */
  private Handle.IdMap idMap(RuntimeSpec.Mount mount) {
    if (mount.uidMappings().isEmpty() != mount.gidMappings().isEmpty()) {
      throw new BerthException.InvalidArgument(
          "mount `" + mount.destination() + "`: uidMappings and gidMappings go together");
    }
    if (!mount.uidMappings().isEmpty()) {
      return new Handle.IdMap.Maps(
          InitPlan.map(mount.uidMappings()), InitPlan.map(mount.gidMappings()));
    }
    Linux.Namespace users = linux.namespace("user");
    if (users == null) {
      throw new BerthException.InvalidArgument(
          "mount `"
              + mount.destination()
              + "`: ids are mapped by mappings of its own or by a user namespace; give one");
    }
    return users.path().isEmpty()
        ? new Handle.IdMap.Maps(
            InitPlan.map(linux.uidMappings()), InitPlan.map(linux.gidMappings()))
        : new Handle.IdMap.OfNamespace(users.path());
  }

  private boolean isShared() {
    return linux.rootfsPropagation().endsWith("shared");
  }

  private void recursiveAttributes(RuntimeSpec.Mount mount, MountOptions options) {
    if (options.recursiveSet() != 0 || options.recursiveClear() != 0) {
      steps.add(
          new Step.Attributes(
              mount.destination(),
              options.recursiveSet(),
              options.recursiveClear(),
              0,
              MountStep.RECURSIVE));
    }
  }

  private void fileSystem(RuntimeSpec.Mount mount, MountOptions options) {
    long attributes = options.set();
    int flags = MountStep.MAKE_FOLDER;
    if (options.readOnly()) {
      if (mount.type().equals("tmpfs")) {
        attributes = writableUntilTheEnd(mount, options);
      } else if (!SHARED_OR_EMPTY.contains(mount.type())) {
        flags |= MountStep.FS_READ_ONLY;
      }
    }
    steps.add(
        new Step.Mount(
            mount.type(),
            mount.source().isEmpty() ? mount.type() : mount.source(),
            mount.destination(),
            labelled(mount.type(), options.data()),
            attributes,
            options.propagation(),
            flags,
            mount.type().equals("tmpfs") ? mode(options.data()) : 0755,
            options.copyUp()));
  }

  /** What the file system is told, with the label that SELinux is to see on all its files. */
  private String labelled(String type, String data) {
    if (linux.mountLabel().isEmpty() || LABELLED_OTHERWISE.contains(type)) {
      return data;
    }
    String context = "context=\"" + linux.mountLabel() + "\"";
    return data.isEmpty() ? context : data + "," + context;
  }

  /** The mode of a folder that is made for a tmpfs: that of the root of the tmpfs. */
  private static int mode(String data) {
    for (String word : data.split(",", -1)) {
      if (word.startsWith("mode=")) {
        try {
          return Integer.parseInt(word.substring("mode=".length()), 8) & 07777;
        } catch (NumberFormatException e) {
          return 0755;
        }
      }
    }
    return 0755;
  }

  /** The kernel lets only the owner of a network namespace mount its sysfs. */
  private boolean sysfsIsRefused() {
    return linux.namespace("user") != null && linux.namespace("network") == null;
  }

  private void bindSys(RuntimeSpec.Mount mount, MountOptions options) {
    steps.add(
        new Step.Bind(
            new Handle.Clone("/sys", /* recursive= */ true),
            mount.destination(),
            options.set(),
            options.clear(),
            MountFlags.MS_SLAVE | MountFlags.MS_REC,
            MountStep.MAKE_FOLDER));
  }

  private void cgroups(RuntimeSpec.Mount mount, MountOptions options) {
    CgroupFolders cgroups = container.cgroups();
    boolean own = linux.namespace("cgroup") != null;
    if (cgroups.version1().isEmpty() || mount.type().equals("cgroup2")) {
      if (cgroups.version2() == null) {
        throw new BerthException.InvalidArgument(
            "mount `" + mount.destination() + "`: this host has no cgroup v2");
      }
      cgroup2(mount.destination(), cgroups.version2(), own, options);
      return;
    }
    long attributes = options.set() & ~MountFlags.MOUNT_ATTR_RDONLY;
    String top = mount.destination();
    steps.add(
        new Step.Mount(
            "tmpfs",
            "tmpfs",
            top,
            "mode=755",
            attributes,
            options.propagation(),
            MountStep.MAKE_FOLDER,
            0755,
            false));
    for (CgroupFolders.Folder folder : cgroups.version1()) {
      cgroup1(top, folder, own, options);
    }
    String version2 = cgroups.version2();
    if (version2 != null) {
      cgroup2(top + "/unified", version2, own, options);
    }
    if (options.readOnly()) {
      steps.add(new Step.Attributes(top, MountFlags.MOUNT_ATTR_RDONLY, 0, 0, 0));
    }
  }

  private void cgroup1(String top, CgroupFolders.Folder folder, boolean own, MountOptions options) {
    String name = folder.hierarchy().folderName();
    List<String> controllers = folder.hierarchy().controllers();
    String target = top + "/" + name;
    if (own) {
      boolean named = controllers.stream().anyMatch(c -> c.startsWith("name="));
      String data = (named ? "none," : "") + String.join(",", controllers);
      steps.add(
          new Step.Mount(
              "cgroup",
              "cgroup",
              target,
              data,
              options.set(),
              0,
              MountStep.MAKE_FOLDER,
              0755,
              false));
    } else {
      steps.add(attach(folder.path(), target, options));
    }
    if (controllers.size() > 1) {
      for (String controller : controllers) {
        if (!controller.equals(name) && !controller.startsWith("name=")) {
          steps.add(new Step.Symlink(name, top + "/" + controller));
        }
      }
    }
  }

  private void cgroup2(String target, String folder, boolean own, MountOptions options) {
    steps.add(
        own
            ? new Step.Mount(
                "cgroup2",
                "cgroup",
                target,
                "",
                options.set(),
                0,
                MountStep.MAKE_FOLDER,
                0755,
                false)
            : attach(folder, target, options));
  }

  private static Step attach(String folder, String target, MountOptions options) {
    return new Step.Bind(
        new Handle.Clone(folder, /* recursive= */ false),
        target,
        options.set(),
        options.clear(),
        MountFlags.MS_PRIVATE,
        MountStep.MAKE_FOLDER);
  }
}
