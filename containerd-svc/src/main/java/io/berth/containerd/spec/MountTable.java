package io.berth.containerd.spec;

import io.berth.base.error.BerthException;
import io.berth.containerd.settings.ImageSettings;
import io.berth.containerd.settings.Mount;
import io.berth.containerd.settings.StorageSettings;
import io.berth.oci.runtime.ProcPlaces;
import io.berth.oci.runtime.RuntimeSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Everything mounted in a container: the file systems that programs expect, then files and folders
 * of the host, parents before children.
 *
 * <p>A person's mount at the place of a default one replaces it; one at {@code /dev} replaces all
 * below it as well.
 */
public final class MountTable {
  private static final String SHM = "/dev/shm";
  private static final String MQUEUE = "/dev/mqueue";

  /**
   * Places that must be writable even where the root file system is read-only, because programs
   * open terminals, devices and shared memory there.
   */
  private static final Set<String> ALWAYS_WRITABLE =
      Set.of("/proc", "/dev", "/dev/pts", SHM, MQUEUE);

  /** The files of a container that list its users and groups. */
  private static final List<Path> ACCOUNTS = List.of(Path.of("/etc/passwd"), Path.of("/etc/group"));

  private final SpecRequest request;
  private final ContainerFacts container;
  private final HostFacts facts;
  private final Map<String, RuntimeSpec.Mount> given = new LinkedHashMap<>();
  private final Set<Path> foldersToMake = new LinkedHashSet<>();
  private String rootPropagation = "";

  private MountTable(SpecRequest request, ContainerFacts container, HostFacts facts) {
    this.request = request;
    this.container = container;
    this.facts = facts;
  }

  /**
   * A volume that a container needs.
   *
   * @param target where it is mounted inside: absolute, without {@code .} and {@code ..}
   * @param name empty for an anonymous one
   */
  public record Volume(String target, String name) {}

  /**
   * The volumes to be found or made before the specification: those asked for, and one for each
   * path that the image declares and no mount covers. INVALID_ARGUMENT for a target that cannot be
   * one.
   */
  public static List<Volume> volumesOf(StorageSettings storage, ImageSettings image) {
    Set<String> covered = new LinkedHashSet<>();
    List<Volume> volumes = new ArrayList<>();
    for (Mount mount : storage.mounts()) {
      String target = target(mount.target());
      covered.add(target);
      ProcPlaces.check(target, mount.type(), mount.isVolume() ? "" : mount.source());
      if (mount.isVolume()) {
        volumes.add(new Volume(target, mount.source()));
      }
    }
    for (String path : image.volumes()) {
      String target = target(path);
      if (covered.add(target)) {
        ProcPlaces.check(target, "volume", "");
        volumes.add(new Volume(target, ""));
      }
    }
    return List.copyOf(volumes);
  }

  /**
   * Whether the files that list users and groups may be other ones inside than those of the root
   * file system, by the mounts that a person asks for.
   */
  public static boolean mayCoverAccounts(StorageSettings storage) {
    // What is mounted in other containers is known only once these are looked at.
    return !storage.volumesFrom().isEmpty()
        || storage.mounts().stream().anyMatch(mount -> coversAccounts(target(mount.target())));
  }

  private static boolean coversAccounts(String target) {
    return ACCOUNTS.stream().anyMatch(file -> file.startsWith(target));
  }

  static MountTable of(SpecRequest request, ContainerFacts container, HostFacts facts) {
    MountTable table = new MountTable(request, container, facts);
    List<Volume> volumes = volumesOf(request.host().storage(), request.image());
    request.host().storage().mounts().forEach(table::add);
    for (Volume volume : volumes) {
      table.given.computeIfAbsent(
          volume.target(), target -> table.volume(Mount.volume("", target), target));
    }
    return table;
  }

  /** All mounts in the order in which they are to be made. */
  List<RuntimeSpec.Mount> mounts() {
    List<RuntimeSpec.Mount> all = new ArrayList<>();
    boolean ownDev = given.containsKey("/dev");
    for (RuntimeSpec.Mount mount : defaults()) {
      String at = mount.destination();
      if (!given.containsKey(at) && !(ownDev && at.startsWith("/dev/"))) {
        all.add(
            request.host().storage().readOnlyRoot() && !ALWAYS_WRITABLE.contains(at)
                ? readOnly(mount)
                : mount);
      }
    }
    List<RuntimeSpec.Mount> rest = new ArrayList<>();
    for (String name : List.of("resolv.conf", "hostname", "hosts")) {
      String target = "/etc/" + name;
      if (!given.containsKey(target)) {
        rest.add(file(container.files().resolve(name), target));
      }
    }
    rest.addAll(given.values());
    rest.sort(Comparator.comparingLong(mount -> depth(mount.destination())));
    all.addAll(rest);
    return List.copyOf(all);
  }

  /** Those of the mounts that lie over the files that list users and groups. */
  List<RuntimeSpec.Mount> overAccounts() {
    return mounts().stream().filter(mount -> coversAccounts(mount.destination())).toList();
  }

  List<Path> foldersToMake() {
    return List.copyOf(foldersToMake);
  }

  /**
   * The propagation that the root mount must have for those of the mounts in it to hold
   * (mount_namespaces(7)); empty for the default.
   */
  String rootPropagation() {
    return rootPropagation;
  }

  private void add(Mount mount) {
    String target = target(mount.target());
    if (given.containsKey(target)) {
      throw new BerthException.InvalidArgument(
          "mount `" + target + "`: given twice; leave one out");
    }
    given.put(
        target,
        switch (mount.type()) {
          case "bind" -> bind(mount, target);
          case "volume" -> volume(mount, target);
          case "tmpfs" -> mount(target, "tmpfs", "tmpfs", MountWords.tmpfs(mount));
          default ->
              throw new BerthException.InvalidArgument(
                  "mount `"
                      + target
                      + "`: there is no type `"
                      + mount.type()
                      + "`; write bind, volume or tmpfs");
        });
  }

  private static String target(String given) {
    String target = Texts.absolute("mount target", given);
    if (target.equals("/")) {
      throw new BerthException.InvalidArgument(
          "mount target `" + given + "`: must not be the root itself");
    }
    return target;
  }

  private RuntimeSpec.Mount bind(Mount mount, String target) {
    MountWords words = MountWords.bind(mount);
    String source = Texts.absolute("mount source", mount.source());
    Path path = Path.of(source);
    if (!facts.present().test(path)) {
      if (!words.create()) {
        throw new BerthException.InvalidArgument(
            "mount `" + target + "`: source `" + source + "` does not exist; make it first");
      }
      foldersToMake.add(path);
    }
    return bound(source, target, words);
  }

  private RuntimeSpec.Mount volume(Mount mount, String target) {
    Path folder = container.volumes().get(target);
    if (folder == null) {
      throw new BerthException.FailedPrecondition(
          "mount `" + target + "`: its volume `" + mount.source() + "` is not there; create it");
    }
    return bound(folder.toString(), target, MountWords.bind(mount));
  }

  private RuntimeSpec.Mount bound(String source, String target, MountWords words) {
    switch (words.propagation()) {
      case "shared", "rshared" -> rootPropagation = "shared";
      case "slave", "rslave" ->
          rootPropagation = rootPropagation.isEmpty() ? "rslave" : rootPropagation;
      default -> {
        // A private mount exchanges nothing with the host, so the root's propagation is free.
      }
    }
    return mount(target, "bind", source, words.list());
  }

  private RuntimeSpec.Mount file(Path source, String target) {
    List<String> options =
        request.host().storage().readOnlyRoot()
            ? List.of("rbind", "rprivate", "ro")
            : List.of("rbind", "rprivate");
    return mount(target, "bind", source.toString(), options);
  }

  private List<RuntimeSpec.Mount> defaults() {
    boolean writable = request.host().privileges().privileged();
    List<RuntimeSpec.Mount> mounts = new ArrayList<>();
    mounts.add(mount("/proc", "proc", "proc", List.of("nosuid", "noexec", "nodev")));
    mounts.add(
        mount(
            "/dev", "tmpfs", "tmpfs", List.of("nosuid", "strictatime", "mode=755", "size=65536k")));
    mounts.add(
        mount(
            "/dev/pts",
            "devpts",
            "devpts",
            List.of("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5")));
    mounts.add(
        mount(
            "/sys",
            "sysfs",
            "sysfs",
            List.of("nosuid", "noexec", "nodev", writable ? "rw" : "ro")));
    mounts.add(
        mount(
            "/sys/fs/cgroup",
            "cgroup",
            "cgroup",
            List.of("nosuid", "noexec", "nodev", writable ? "rw" : "ro")));
    shared(mounts);
    Path init = facts.init();
    if (request.host().runtime().init() && init != null) {
      mounts.add(
          mount(SpecGenerator.INIT, "bind", init.toString(), List.of("bind", "rprivate", "ro")));
    }
    return mounts;
  }

  /** Message queues and shared memory belong to the ipc namespace. */
  private void shared(List<RuntimeSpec.Mount> mounts) {
    switch (NamespaceMode.parse("ipc", request.host().namespaces().ipc()).kind()) {
      case HOST -> {
        for (String own : List.of(MQUEUE, SHM)) {
          // A host need not have mounted them.
          if (facts.present().test(Path.of(own))) {
            mounts.add(
                mount(own, "bind", own, List.of("rbind", "rprivate", "nosuid", "noexec", "nodev")));
          }
        }
      }
      case NONE ->
          mounts.add(mount(MQUEUE, "mqueue", "mqueue", List.of("nosuid", "noexec", "nodev")));
      case SHAREABLE, CONTAINER -> {
        mounts.add(mount(MQUEUE, "mqueue", "mqueue", List.of("nosuid", "noexec", "nodev")));
        Path memory = container.sharedMemory();
        if (memory == null) {
          throw new BerthException.FailedPrecondition(
              "ipc mode `"
                  + request.host().namespaces().ipc()
                  + "`: its shared memory is not there");
        }
        mounts.add(
            mount(
                SHM,
                "bind",
                memory.toString(),
                List.of("bind", "rprivate", "nosuid", "noexec", "nodev")));
      }
      case PRIVATE -> {
        mounts.add(mount(MQUEUE, "mqueue", "mqueue", List.of("nosuid", "noexec", "nodev")));
        mounts.add(
            mount(
                SHM,
                "tmpfs",
                "shm",
                List.of(
                    "nosuid",
                    "noexec",
                    "nodev",
                    "mode=1777",
                    "size=" + request.host().storage().sharedMemory())));
      }
    }
  }

  private static RuntimeSpec.Mount readOnly(RuntimeSpec.Mount mount) {
    List<String> options = new ArrayList<>(mount.options());
    options.remove("rw");
    if (!options.contains("ro")) {
      options.add("ro");
    }
    return mount(mount.destination(), mount.type(), mount.source(), options);
  }

  private static RuntimeSpec.Mount mount(
      String target, String type, String source, List<String> options) {
    return new RuntimeSpec.Mount(target, type, source, options, List.of(), List.of());
  }

  private static long depth(String target) {
    return target.chars().filter(c -> c == '/').count();
  }
}
