package io.berth.shim.api;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.berth.api.berth.host.v1.AllowAttachRequest;
import io.berth.api.berth.host.v1.HostGrpc;
import io.berth.api.berth.host.v1.PlaceRequest;
import io.berth.api.containerd.task.v3.CreateTaskRequest;
import io.berth.api.containerd.task.v3.TaskGrpc;
import io.berth.base.config.Config;
import io.berth.base.id.TaskKey;
import io.berth.base.json.Json;
import io.berth.base.layout.StateFolders;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixChannel;
import io.berth.base.rpc.UnixServer;
import io.berth.base.time.ClientsFirst;
import io.berth.base.time.Sleeper;
import io.berth.base.time.Ticker;
import io.berth.linux.MountInfo;
import io.berth.linux.Processes;
import io.berth.shim.cgroup.CgroupLayout;
import io.berth.shim.run.ShimProcessServices;
import io.berth.testing.Eventually;
import io.berth.testing.InProcessGrpc;
import io.grpc.ManagedChannel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * What a shim process has, within the process of the test: real shims and supervisors, in a folder
 * that goes with the test. It tells afterwards what was left behind.
 */
final class TestShimProcess implements BeforeEachCallback, AfterEachCallback {
  static final String NAMESPACE = "shimtest";

  private final InProcessGrpc inProcess = new InProcessGrpc(UnixServer.INTERCEPTORS);
  private final List<ManagedChannel> channels = new ArrayList<>();
  private Path folder = Path.of("/");
  private Path rootfs = Path.of("/");
  private Config config = Config.defaults();
  private ShimProcessServices services;
  private EventLoops loops;
  private ShimTable shims;
  private ManagedChannel channel;
  private HostGrpc.HostBlockingV2Stub service;
  private int tasks;
  private final boolean unified;
  private @Nullable String passedOn;

  /** With all the cgroups that the machine has. */
  TestShimProcess() {
    this(false);
  }

  /** As on a machine that has version 2 of cgroups only, with what there is of controllers. */
  static TestShimProcess unified() {
    return new TestShimProcess(true);
  }

  private TestShimProcess(boolean unified) {
    this.unified = unified;
  }

  private static CgroupLayout unified(CgroupLayout all) {
    assumeTrue(all.version2() != null, "no cgroup version 2 here");
    return new CgroupLayout(List.of(), all.version2(), all.memoryInVersion2());
  }

  @Override
  public void beforeEach(ExtensionContext context) throws Exception {
    if (System.getProperty("berth.supervisor") == null) {
      Path built = Path.of("../native/target/bin/berth-supervisor").toAbsolutePath().normalize();
      System.setProperty("berth.supervisor", built.toString());
    }
    folder = Files.createTempDirectory("shim");
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
    rootfs = busybox(folder.resolve("root"));
    config = Config.parse(null, "root = \"" + folder + "/lib\"\nstate = \"" + folder + "/run\"\n");
    if (unified) {
      passedOn = Files.readString(passingOn());
    }
    open();
  }

  private static Path passingOn() throws IOException {
    return Path.of(String.valueOf(CgroupLayout.ofHost().version2()), "cgroup.subtree_control");
  }

  /** Another process's worth of everything, as after the death of the one before. */
  void open() throws IOException {
    CgroupLayout cgroups = CgroupLayout.ofHost();
    services = ShimProcessServices.open(config, unified ? unified(cgroups) : cgroups);
    loops = new EventLoops(1);
    shims = new ShimTable(services, loops);
    ClientsFirst clients = new ClientsFirst(Ticker.SYSTEM, Sleeper.SYSTEM);
    channel =
        inProcess.serve(
            new ShimProcessEndpoint(
                shims,
                services,
                new ShimWarmUp(
                    new WarmUpRounds(services, loops, new ShimProcessNumber(0), clients)),
                clients,
                () -> {}),
            shims::services);
    service = HostGrpc.newBlockingV2Stub(channel);
  }

  /** Lets go of everything without a word to any container. */
  void close() {
    shims.close();
    loops.close();
    services.close();
  }

  private static Path busybox(Path root) throws IOException {
    for (String name : List.of("bin", "etc", "tmp", "proc", "dev", "sys", "root", "work")) {
      Files.createDirectories(root.resolve(name));
    }
    Files.copy(Path.of("/bin/busybox"), root.resolve("bin/busybox"));
    for (String name :
        List.of(
            "sh",
            "true",
            "false",
            "cat",
            "echo",
            "id",
            "ls",
            "sleep",
            "ps",
            "mount",
            "hostname",
            "stty",
            "touch",
            "mkdir",
            "test",
            "kill",
            "grep",
            "env",
            "pwd",
            "head",
            "dd",
            "chmod")) {
      Files.createSymbolicLink(root.resolve("bin").resolve(name), Path.of("busybox"));
    }
    Files.writeString(
        root.resolve("etc/passwd"), "root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/work:/bin/sh\n");
    Files.writeString(root.resolve("etc/not-a-program"), "text\n");
    return root;
  }

  Path folder() {
    return folder;
  }

  Path rootfs() {
    return rootfs;
  }

  Config config() {
    return config;
  }

  HostGrpc.HostBlockingV2Stub service() {
    return service;
  }

  /** To all that the process's own socket answers, the tasks of all its shims among it. */
  ManagedChannel channel() {
    return channel;
  }

  ShimTable table() {
    return shims;
  }

  /** A new name of a container. */
  TaskKey key() {
    return new TaskKey(NAMESPACE, "c" + ++tasks);
  }

  Path taskFolder(TaskKey key) {
    return new StateFolders(config.state()).task(key).path();
  }

  /** The folder of the warm-up's containers. */
  Path warmUp() {
    return new StateFolders(config.state()).shimProcess(0).warmUp();
  }

  /** The specification that clients send for `arguments`, to be changed by the test. */
  ObjectNode spec(String... arguments) {
    ObjectNode spec = Json.mapper().createObjectNode();
    spec.put("ociVersion", "1.0.2");
    process(spec.putObject("process"), arguments);
    spec.putObject("root").put("path", rootfs.toString());
    spec.put("hostname", "inside");
    mounts(spec.putArray("mounts"));
    ObjectNode linux = spec.putObject("linux");
    linux
        .putObject("resources")
        .putArray("devices")
        .addObject()
        .put("allow", false)
        .put("access", "rwm");
    ArrayNode namespaces = linux.putArray("namespaces");
    for (String type : List.of("pid", "ipc", "uts", "mount", "network")) {
      namespaces.addObject().put("type", type);
    }
    linux.putArray("maskedPaths").add("/proc/kcore").add("/proc/timer_list").add("/sys/firmware");
    linux.putArray("readonlyPaths").add("/proc/sys").add("/proc/irq");
    return spec;
  }

  private static void process(ObjectNode process, String... arguments) {
    process.putObject("user").put("uid", 0).put("gid", 0);
    ArrayNode args = process.putArray("args");
    Stream.of(arguments).forEach(args::add);
    process.putArray("env").add("PATH=/usr/local/bin:/usr/bin:/bin").add("TERM=xterm");
    process.put("cwd", "/");
    ObjectNode capabilities = process.putObject("capabilities");
    for (String set : List.of("bounding", "effective", "permitted")) {
      ArrayNode names = capabilities.putArray(set);
      Stream.of("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_KILL", "CAP_SETUID", "CAP_SETGID")
          .forEach(names::add);
    }
    process.put("noNewPrivileges", true);
  }

  private static void mounts(ArrayNode mounts) {
    mount(mounts, "/proc", "proc", "proc");
    mount(mounts, "/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k");
    String terminals = "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5";
    mount(mounts, "/dev/pts", "devpts", "devpts", terminals.split(","));
    String shared = "nosuid,noexec,nodev,mode=1777,size=65536k";
    mount(mounts, "/dev/shm", "tmpfs", "shm", shared.split(","));
    mount(mounts, "/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev");
    mount(mounts, "/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "ro");
    mount(mounts, "/sys/fs/cgroup", "cgroup", "cgroup", "ro", "nosuid", "noexec", "nodev");
  }

  static void mount(
      ArrayNode mounts, String target, String type, String source, String... options) {
    ObjectNode mount =
        mounts.addObject().put("destination", target).put("type", type).put("source", source);
    ArrayNode words = mount.putArray("options");
    for (String option : options) {
      words.add(option);
    }
  }

  /** Writes what containerd-svc writes before it places a shim. */
  Path prepare(TaskKey key, ObjectNode spec) throws IOException {
    Path task = taskFolder(key);
    Files.createDirectories(task.resolve("bundle/rootfs"));
    Files.write(task.resolve("bundle/config.json"), Json.bytes(spec));
    return task;
  }

  /** Makes a container whose outputs go to a file. */
  int create(TaskKey key, ObjectNode spec) throws Exception {
    return create(key, spec, request(key).build());
  }

  int create(TaskKey key, ObjectNode spec, CreateTaskRequest request) throws Exception {
    return create(key, spec, request, null);
  }

  /** Makes a container that a client may attach to. */
  int create(
      TaskKey key, ObjectNode spec, CreateTaskRequest request, @Nullable AllowAttachRequest attach)
      throws Exception {
    Path task = prepare(key, spec);
    PlaceRequest.Builder place =
        PlaceRequest.newBuilder()
            .setNamespace(key.namespace())
            .setId(key.id())
            .setFolder(task.toString())
            .setCreate(request);
    if (attach != null) {
      place.setAttach(attach);
    }
    return service.place(place.build()).getPid();
  }

  CreateTaskRequest.Builder request(TaskKey key) {
    return CreateTaskRequest.newBuilder()
        .setId(key.id())
        .setStdout("file://" + output(key))
        .setStderr("file://" + output(key));
  }

  /** Where outputs go. */
  Path output(TaskKey key) {
    return folder.resolve("out-" + key.id());
  }

  String said(TaskKey key) throws IOException {
    return Files.readString(output(key));
  }

  /** Waits for a file to appear. */
  void awaitFile(Path file) throws InterruptedException {
    Eventually.holds("found `" + file + "`", () -> Files.exists(file));
  }

  /** Waits for a word in what a container has put out. */
  void awaitSaid(TaskKey key, String word) throws InterruptedException {
    Eventually.answers("read `" + word + "`", () -> said(key), said -> said.contains(word));
  }

  /** The container's own service. */
  TaskGrpc.TaskBlockingV2Stub task(TaskKey key) {
    ManagedChannel channel = UnixChannel.to(loops, taskFolder(key).resolve("shim.sock"));
    channels.add(channel);
    return TaskGrpc.newBlockingV2Stub(channel);
  }

  /** Every trace of this test's containers: mounts, cgroups, processes. */
  List<String> leftovers() throws IOException {
    List<String> left = new ArrayList<>();
    for (MountInfo mount : MountInfo.ofSelf()) {
      if (mount.target().startsWith(folder.toString())) {
        left.add("mount " + mount.target());
      }
    }
    String parent = config.cgroupParent();
    try (Stream<Path> hierarchies = Files.list(Path.of("/sys/fs/cgroup"))) {
      for (Path hierarchy : hierarchies.toList()) {
        Path ours = hierarchy.resolve(parent).resolve(NAMESPACE);
        if (Files.isDirectory(ours)) {
          try (Stream<Path> each = Files.list(ours)) {
            each.filter(Files::isDirectory).forEach(path -> left.add("cgroup " + path));
          }
        }
      }
    }
    try (Stream<Path> processes = Files.list(Path.of("/proc"))) {
      for (Path process :
          processes.filter(p -> p.getFileName().toString().matches("\\d+")).toList()) {
        try {
          if (Files.readString(process.resolve("cgroup")).contains("/" + parent + "/")
              && !Files.readString(process.resolve("stat")).contains(") Z ")) {
            left.add("process " + process);
          }
        } catch (IOException gone) {
          // What ended while it was looked at is not left.
        }
      }
    }
    return left;
  }

  @Override
  public void afterEach(ExtensionContext context) throws Exception {
    for (ManagedChannel channel : channels) {
      channel.shutdownNow().awaitTermination(1, TimeUnit.SECONDS);
    }
    close();
    inProcess.afterEach(context);
    removeCgroups();
    if (passedOn != null) {
      Set<String> added = new HashSet<>(List.of(Files.readString(passingOn()).split("\\s+")));
      added.removeAll(List.of(passedOn.split("\\s+")));
      for (String controller : added) {
        Files.writeString(passingOn(), "-" + controller);
      }
    }
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }

  /** What a failed test has left alive goes, too: only this instance's cgroups are looked at. */
  private void removeCgroups() throws Exception {
    Eventually.holds(
        "ended what a failed test left",
        () -> {
          List<String> processes =
              leftovers().stream().filter(left -> left.startsWith("process ")).toList();
          for (String process : processes) {
            Processes.kill(Integer.parseInt(process.substring("process /proc/".length())), 9);
          }
          return processes.isEmpty();
        });
    try (Stream<Path> hierarchies = Files.list(Path.of("/sys/fs/cgroup"))) {
      for (Path hierarchy : hierarchies.toList()) {
        Path parent = hierarchy.resolve(config.cgroupParent());
        if (!Files.isDirectory(parent)) {
          continue;
        }
        try (Stream<Path> below = Files.walk(parent)) {
          for (Path path :
              below.filter(Files::isDirectory).sorted(Comparator.reverseOrder()).toList()) {
            Files.deleteIfExists(path);
          }
        }
      }
    }
  }
}
