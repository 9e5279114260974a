package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixChannel;
import io.berth.testing.Eventually;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthGrpc;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * A whole instance of the engine for one test class: its own root, state, names on the host and
 * subnet. Afterwards everything is stopped and the host is compared with what it was.
 */
final class BerthInstance implements BeforeAllCallback, AfterAllCallback {
  static final List<String> SERVICES = List.of("image", "network", "containerd");

  /** For tests that restart services and do not measure: without containers of its own. */
  static final String COLD = "[containerd]\nwarm_rounds = 0\n";

  private static final long START_LIMIT_MILLIS = 60_000;

  private final String keys;
  private final String settings;
  private final Path libexec;
  private final String id =
      HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextInt()).substring(2);
  private final Path dir = Path.of("/tmp", "bt-" + id);
  private final Map<String, Process> running = new ConcurrentHashMap<>();
  private Leftovers before = Leftovers.NONE;
  private String forwarded = "";
  private String disk = "";
  private boolean asleep;
  private List<String> prefix = List.of();

  /** With the settings of the default configuration. */
  BerthInstance() {
    this("");
  }

  /** With more lines of configuration: tables, after the keys that every instance sets. */
  BerthInstance(String settings) {
    this(taken(System.getProperty("berth.without", "")), settings);
  }

  /** The whole of the tests can be run as on an older kernel. */
  private static String taken(String name) {
    return name.isEmpty() ? "" : "without_features = [\"" + name + "\"]\n";
  }

  /** As on an older kernel: without a feature of this one, or {@code all}. */
  static BerthInstance withoutFeatures(String name) {
    return new BerthInstance(taken(name), COLD);
  }

  /** The same without several, whose quoted names commas divide, and with settings. */
  static BerthInstance withoutFeatures(String names, String settings) {
    return new BerthInstance("without_features = [" + names + "]\n", settings);
  }

  /** With its root on a file system of its own, a tmpfs with these options. */
  static BerthInstance onSmallDisk(String options) {
    BerthInstance made = new BerthInstance(COLD);
    made.disk = options;
    return made;
  }

  /** Its services run only when the test starts them: its root may be on another disk then. */
  static BerthInstance asleep() {
    BerthInstance made = new BerthInstance(COLD);
    made.asleep = true;
    return made;
  }

  private BerthInstance(String keys, String settings) {
    this.keys = keys;
    this.settings = settings;
    String given = System.getProperty("berth.libexec");
    if (given == null) {
      throw new IllegalStateException(
          "no distribution to test: run ./test, or give -Dberth.libexec=FOLDER of an assembled"
              + " one");
    }
    this.libexec = Path.of(given);
  }

  @Override
  public void beforeAll(ExtensionContext context) throws Exception {
    before = Leftovers.now(id, dir);
    forwarded = Leftovers.forwarding();
    for (String folder : List.of("etc", "lib", "run", "log")) {
      Files.createDirectories(dir.resolve(folder));
    }
    if (!disk.isEmpty()) {
      Command.run("mount", "-t", "tmpfs", "-o", disk, "tmpfs", root().toString()).exits(0);
    }
    int second = 64 + ThreadLocalRandom.current().nextInt(32);
    Files.writeString(
        config(),
        """
        root = "%s"
        state = "%s"
        instance = "%s"
        libexec = "%s"
        log_level = "info"
        %s[network]
        pool = "10.%d.0.0/16"
        %s
        """
            .formatted(root(), state(), id, libexec, keys, second, settings));
    if (!asleep) {
      startMissing();
    }
  }

  @Override
  public void afterAll(ExtensionContext context) throws Exception {
    try {
      for (String service : SERVICES.reversed()) {
        Process process = running.get(service);
        if (process != null) {
          process.destroy();
          if (!process.waitFor(20, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError(service + " did not end within 20 s of SIGTERM");
          }
        }
      }
    } finally {
      Leftovers.killAll(id, dir);
      if (asleep || !disk.isEmpty()) {
        Command.run("umount", root().toString());
      }
    }
    Leftovers after = Leftovers.now(id, dir);
    Command removal =
        Command.run(
            libexec.resolve("bin/berth-network").toString(),
            "--config",
            config().toString(),
            "--remove-all");
    Leftovers.clean(id, dir);
    if (context.getExecutionException().isEmpty()) {
      after.mustEqual(before);
      removal.exits(0);
      assertEquals(forwarded, Leftovers.forwarding(), "net.ipv4.ip_forward afterwards");
    }
  }

  Path dir() {
    return dir;
  }

  Path root() {
    return dir.resolve("lib");
  }

  Path state() {
    return dir.resolve("run");
  }

  Path config() {
    return dir.resolve("etc/config.toml");
  }

  String id() {
    return id;
  }

  /** containerd namespace of this class's `ctr`: the clients' cgroup paths begin with it. */
  String namespace() {
    return "bt" + id;
  }

  Path socket() {
    return state().resolve("containerd.sock");
  }

  /** A folder that goes with the instance. */
  Path folder(String name) throws IOException {
    return Files.createDirectories(dir.resolve("tmp").resolve(name));
  }

  void start(String service) throws IOException {
    List<String> line = new ArrayList<>(prefix);
    line.add(libexec.resolve("bin/berth-" + service).toString());
    line.addAll(List.of("--config", config().toString()));
    ProcessBuilder builder = new ProcessBuilder(line);
    builder.redirectErrorStream(true);
    builder.redirectOutput(
        ProcessBuilder.Redirect.appendTo(dir.resolve("log").resolve(service + ".log").toFile()));
    running.put(service, builder.start());
  }

  /** Starts a service that was killed where the machine's /etc/resolv.conf is another file. */
  void startWithResolver(String service, Path file) throws IOException {
    String bind = "mount --bind " + file + " /etc/resolv.conf && exec \"$@\"";
    prefix = List.of("unshare", "--mount", "sh", "-c", bind, "sh");
    start(service);
    prefix = List.of();
  }

  /** Starts what was killed, and waits for all. */
  void startMissing() throws Exception {
    for (String service : SERVICES) {
      if (!running.containsKey(service)) {
        start(service);
      }
    }
    for (String service : SERVICES) {
      awaitAnswer(service);
    }
  }

  /** Blocks until the service's health says SERVING. */
  void awaitAnswer(String service) throws Exception {
    EventLoops loops = new EventLoops(1);
    ManagedChannel channel = UnixChannel.to(loops, state().resolve(service + ".sock"));
    try {
      long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(START_LIMIT_MILLIS);
      while (true) {
        try {
          HealthGrpc.newBlockingStub(channel)
              .withWaitForReady()
              .withDeadlineAfter(1, TimeUnit.SECONDS)
              .check(HealthCheckRequest.getDefaultInstance());
          return;
        } catch (StatusRuntimeException e) {
          Process process = Objects.requireNonNull(running.get(service));
          if (!process.isAlive() || System.nanoTime() > deadline) {
            throw new AssertionError(
                service + " does not answer: " + e.getMessage() + "\n" + log(service));
          }
          Thread.sleep(50);
        }
      }
    } finally {
      channel.shutdownNow();
      loops.close();
    }
  }

  String log(String service) throws IOException {
    Path file = dir.resolve("log").resolve(service + ".log");
    return Files.exists(file) ? Files.readString(file) : "";
  }

  /** kill -9, without a chance to say good-bye. */
  void kill(String service) throws InterruptedException {
    Process process = Objects.requireNonNull(running.remove(service));
    process.destroyForcibly().waitFor();
  }

  /** All of this instance stands still, as its files do: whoever writes, and its clients. */
  void standStill() {
    Set<Long> stopped = new HashSet<>();
    while (stopped.addAll(Leftovers.processes(id, dir))) {
      stopped.forEach(pid -> Command.run("kill", "-STOP", Long.toString(pid)));
    }
  }

  /** The machine is off: nothing is left but what is on disks, of which none is mounted. */
  void losePower() throws IOException {
    Leftovers.loseAllButFiles(id, dir);
    running.values().forEach(process -> process.onExit().join());
    running.clear();
    prefix = List.of();
    Leftovers.deleteTree(state());
    Files.createDirectories(state());
    // The kernel begins without what the services switched on, and they look at their start.
    if (!forwarded.equals(Leftovers.forwarding())) {
      Files.writeString(Path.of("/proc/sys/net/ipv4/ip_forward"), forwarded);
    }
  }

  /**
   * What is started from now on until {@link #losePower} sees another boot of the machine than all
   * that comes after it: its id is the only thing that tells services so. They run in a mount
   * namespace of their own for that.
   */
  void bootApart() throws IOException {
    Path id = dir.resolve("etc/boot_id");
    Files.writeString(id, UUID.randomUUID() + "\n");
    Path folder = Files.createDirectories(dir.resolve("boot"));
    Command.run("mount", "--bind", "--make-private", folder.toString(), folder.toString()).exits(0);
    String namespace = "--mount=" + Files.writeString(folder.resolve("mounts"), "");
    Command.run(
            "unshare",
            namespace,
            "mount",
            "--bind",
            id.toString(),
            "/proc/sys/kernel/random/boot_id")
        .exits(0);
    prefix = List.of("nsenter", namespace);
  }

  /** Stops a service where it is (SIGSTOP), or has it go on (SIGCONT). */
  void signal(String service, String signal) {
    Command.run("kill", "-" + signal, Long.toString(pid(service))).exits(0);
  }

  /** The process of a service that runs. */
  long pid(String service) {
    return Objects.requireNonNull(running.get(service)).pid();
  }

  /** A service that runs. */
  ProcessHandle process(String service) {
    return Objects.requireNonNull(running.get(service)).toHandle();
  }

  /** kill -9 of every shim process; answers how many there were. */
  int killShimProcesses() {
    List<ProcessHandle> processes = shimProcesses();
    processes.forEach(ProcessHandle::destroyForcibly);
    processes.forEach(process -> process.onExit().orTimeout(10, TimeUnit.SECONDS).join());
    return processes.size();
  }

  /** The shim processes of this instance. */
  List<ProcessHandle> shimProcesses() {
    return ProcessHandle.allProcesses()
        .filter(process -> {
          String line = Leftovers.commandLine(process.pid());
          return line.contains(config().toString()) && line.contains("io.berth.shim.ShimMain");
        })
        .toList();
  }

  /** Debian's ctr against this instance, in the class's namespace. */
  Command ctr(String... arguments) {
    return Command.run(ctrLine(arguments), new byte[0], Map.of());
  }

  List<String> ctrLine(String... arguments) {
    List<String> line =
        new ArrayList<>(
            List.of("ctr", "--address", socket().toString(), "--namespace", namespace()));
    line.addAll(List.of(arguments));
    return line;
  }

  /** Our own command line against this instance. */
  Command berth(String... arguments) {
    return Command.run(line(arguments), new byte[0], Map.of());
  }

  /** The words of a call of our own command line, for who starts it by himself. */
  List<String> line(String... arguments) {
    List<String> line =
        new ArrayList<>(
            List.of(libexec.resolve("bin/berth").toString(), "--config", config().toString()));
    line.addAll(List.of(arguments));
    return line;
  }

  /** Our own command line with the words of this line, which are divided by single spaces. */
  Command words(String line) {
    return berth(line.split(" ", -1));
  }

  /** Runs the line again and again until its standard output holds the text. */
  void eventuallySays(String text, String... line) throws InterruptedException {
    Eventually.answers(
        "says `" + text + "`", () -> berth(line), command -> command.out().contains(text));
  }

  /** All that the services have recorded or made that a failure might leave. */
  List<String> recorded() {
    List<String> all = new ArrayList<>();
    for (String line : List.of("leases ls -q", "content ls -q", "content active", "snapshots ls")) {
      List<String> words = new ArrayList<>(List.of("ctr", "--address", socket().toString()));
      words.addAll(List.of("--namespace", "default"));
      words.addAll(List.of(line.split(" ")));
      Command answer = Command.run(words.toArray(String[]::new)).exits(0);
      answer.out().lines().map(text -> line + ": " + text).forEach(all::add);
    }
    all.addAll(words("ps -aq").exits(0).out().lines().toList());
    return all;
  }

  /** Runs a container that says `early` and ends with 7 when told; returns once it is logged. */
  void runUntilTold(String name, String option) throws InterruptedException {
    String program = "trap 'exit 7' TERM; echo early; while true; do usleep 20000; done";
    String image = "busybox:test";
    berth("run", "-d", "--name=" + name, "--network=none", option, image, "sh", "-c", program)
        .exits(0);
    eventuallySays("early", "logs", name);
  }

  Path libexec() {
    return libexec;
  }
}
