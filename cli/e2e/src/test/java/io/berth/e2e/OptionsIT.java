package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.CreateRequest;
import io.berth.base.json.Json;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixChannel;
import io.berth.testing.Eventually;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Options of {@code run} that concern other containers, the log, and the container's end. */
@Tag("root")
final class OptionsIT {
  @RegisterExtension static final BerthInstance berth = new BerthInstance(BerthInstance.COLD);
  private static final String IMAGE = "busybox:test";

  @BeforeAll
  static void load() throws Exception {
    berth.berth("load", "-i", BusyboxImage.archive(berth.folder("image")).toString()).exits(0);
    Path exposing =
        BusyboxImage.archive(
            berth.folder("exposing"),
            "docker.io/library/exposing:test",
            ",\"ExposedPorts\":{\"7001/tcp\":{},\"7002/udp\":{}},\"Volumes\":{\"/declared\":{}}");
    berth.berth("load", "-i", exposing.toString()).exits(0);
  }

  @AfterEach
  void nothingIsLeft() throws Exception {
    List<String> line = new ArrayList<>(List.of("rm", "-f", "-v"));
    berth.berth("ps", "-aq", "--no-trunc").exits(0).out().lines().forEach(line::add);
    if (line.size() > 3) {
      berth.berth(line.toArray(String[]::new)).exits(0);
    }
    String mounts = Files.readString(Path.of("/proc/self/mounts"));
    assertTrue(!mounts.contains(berth.dir() + "/lib/containers"), mounts);
  }

  private static Command run(String... words) {
    List<String> line = new ArrayList<>(List.of("run"));
    line.addAll(List.of(words));
    return berth.berth(line.toArray(String[]::new));
  }

  private static void background(String name, String... words) {
    List<String> line = new ArrayList<>(List.of("-d", "--name", name));
    line.addAll(List.of(words));
    run(line.toArray(String[]::new)).exits(0);
  }

  private static String inspect(String name, String template) {
    return berth.berth("inspect", "-f", template, name).exits(0).out().strip();
  }

  private static String exec(String name, String script) {
    return berth.berth("exec", name, "sh", "-c", script).exits(0).out().strip();
  }

  private static long millisToStop(String name) {
    long begin = System.nanoTime();
    berth.berth("stop", name).exits(0);
    return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin);
  }

  @Test // 0 is not unset.
  void stopTimeout() {
    String stubborn = "trap '' TERM; while :; do sleep 0.1; done";
    background("zero", "--network=none", "--stop-timeout=0", IMAGE, "sh", "-c", stubborn);
    background("one", "--network=none", "--stop-timeout=1", IMAGE, "sh", "-c", stubborn);
    assertEquals("0", inspect("zero", "{{.Config.StopTimeout}}"));
    long zero = millisToStop("zero");
    long one = millisToStop("one");
    assertTrue(one >= 1_000, one + " ms");
    assertTrue(one < 8_000, one + " ms");
    assertTrue(zero < 8_000, zero + " ms");
    assertEquals("137", inspect("zero", "{{.State.ExitCode}}"));
  }

  @Test
  void logDriverNone() throws Exception {
    // What is written to the terminal is seen; nothing is kept.
    assertEquals(
        "seen\n",
        run("--name=quiet", "--network=none", "--log-driver=none", IMAGE, "echo", "seen")
            .exits(0)
            .out());
    Command logs = berth.berth("logs", "quiet").exits(1).says("log driver none");
    assertEquals("", logs.out());
    assertEquals(1, logs.err().lines().count(), logs.err());
    assertEquals("none", inspect("quiet", "{{.HostConfig.LogConfig.Type}}"));
    assertEquals("", inspect("quiet", "{{.LogPath}}"));
    assertFalse(files("quiet").contains("log"));
    // A container that nobody reads is not held up by its output.
    background(
        "chatty",
        "--network=none",
        "--log-driver=none",
        IMAGE,
        "sh",
        "-c",
        "head -c 9000000 /dev/zero; echo >/done; sleep 999");
    berth.eventuallySays("done", "exec", "chatty", "ls", "/");
    run("--log-driver=syslog", IMAGE, "true").exits(125).says("there are local and none");
    run("--log-driver=none", "--log-opt=max-size=1m", IMAGE, "true").exits(125).says("max-size");
    run("--log-opt=mode=x", IMAGE, "true").exits(125).says("max-size");
    assertEquals(
        "kept\n",
        run("--network=none", "--rm", "--log-driver=local", IMAGE, "echo", "kept").exits(0).out());
  }

  private static List<String> files(String name) throws Exception {
    Path folder = Path.of(inspect(name, "{{.HostsPath}}")).getParent();
    try (var files = Files.list(folder)) {
      return files.map(file -> String.valueOf(file.getFileName())).toList();
    }
  }

  @Test
  void storageOptionsAreRefused() {
    Command refused = run("--storage-opt=size=1g", IMAGE, "true").exits(125);
    refused.says("storage option `size`");
    assertEquals(1, refused.err().lines().count(), refused.err());
    assertEquals("", berth.berth("ps", "-aq").exits(0).out());
  }

  @Test
  void aRequestWithoutConfiguration() {
    EventLoops loops = new EventLoops(1);
    ManagedChannel channel = UnixChannel.to(loops, berth.socket());
    try {
      var stub = UnixChannel.in(ContainersGrpc.newBlockingStub(channel), "default", null);
      StatusRuntimeException refused =
          Assertions.assertThrows(
              StatusRuntimeException.class, () -> stub.create(CreateRequest.getDefaultInstance()));
      assertEquals(Status.Code.INVALID_ARGUMENT, refused.getStatus().getCode());
      assertTrue(
          String.valueOf(refused.getStatus().getDescription())
              .startsWith("Config cannot be empty in order to create a container"),
          refused.getMessage());
    } finally {
      channel.shutdownNow();
      loops.close();
    }
  }

  @Test
  void volumesFrom() throws Exception {
    Path folder = berth.folder("bound");
    background(
        "giver",
        "--network=none",
        "-v",
        folder + ":/bound",
        "-v",
        "named:/named",
        "-v",
        "/nameless",
        "--tmpfs=/own",
        "exposing:test",
        "sh",
        "-c",
        "echo b >/bound/f; echo n >/named/f; echo a >/nameless/f; echo d >/declared/f; sleep 999");
    berth.eventuallySays("d", "exec", "giver", "cat", "/declared/f");
    String read = "cat /bound/f /named/f /nameless/f /declared/f; test -e /own && echo own; true";
    assertEquals(
        "b\nn\na\nd\n",
        run("--rm", "--network=none", "--volumes-from=giver", IMAGE, "sh", "-c", read)
            .exits(0)
            .out());
    run("--rm", "--network=none", "--volumes-from=giver:ro", IMAGE, "touch", "/named/x")
        .exits(1)
        .says("Read-only");
    // One's own mount counts more; the giver's volumes are the giver's when the other goes.
    assertEquals(
        "0\n",
        run(
                "--rm",
                "--network=none",
                "--volumes-from=giver",
                "--tmpfs=/named",
                IMAGE,
                "sh",
                "-c",
                "ls /named | wc -l")
            .exits(0)
            .out());
    assertEquals("a", exec("giver", "cat /nameless/f"));
    run("--volumes-from=nobody", IMAGE, "true").exits(125).says("nobody");
    run("--volumes-from=giver:rx", IMAGE, "true").exits(125).says("giver:rx");
    run("--volume-driver=nfs", IMAGE, "true").exits(125).says("local only");
  }

  @Test
  void links() {
    background("db", IMAGE, "sleep", "999");
    String address = inspect("db", "{{.NetworkSettings.IPAddress}}");
    String hosts = run("--rm", "--link", "db:store", IMAGE, "cat", "/etc/hosts").exits(0).out();
    assertTrue(hosts.contains(address + "\tstore\n"), hosts);
    assertTrue(hosts.contains(address + "\tdb\n"), hosts);
    run("--rm", "--link", "db:store", IMAGE, "ping", "-c", "1", "-W", "5", "store").exits(0);
    run("--rm", "--link", "nobody:x", IMAGE, "true").exits(125).says("nobody");
    run("--rm", "--network=none", "--link", "db:x", IMAGE, "true").exits(125).says("cannot have");
    run("--rm", "--network=host", "--link", "db:x", IMAGE, "true").exits(125).says("cannot have");
    run("--rm", "--link", "db:a b", IMAGE, "true").exits(125).says("NAME:ALIAS");
    berth.berth("stop", "-t", "0", "db").exits(0);
    run("--rm", "--link", "db:x", IMAGE, "true").exits(125).says("db:x").says("does not run");
  }

  @Test
  void anothersIpcNamespace() {
    background("own", "--network=none", IMAGE, "sleep", "999");
    background(
        "shares",
        "--network=none",
        "--ipc=shareable",
        "--shm-size=1m",
        IMAGE,
        "sh",
        "-c",
        "echo there >/dev/shm/f; sleep 999");
    run("--ipc=container:own", IMAGE, "true").exits(125).says("shareable");
    background("joins", "--network=none", "--ipc=container:shares", IMAGE, "sleep", "999");
    String ns = exec("shares", "readlink /proc/self/ns/ipc");
    assertEquals(ns, exec("joins", "readlink /proc/self/ns/ipc"));
    assertNotEquals(ns, exec("own", "readlink /proc/self/ns/ipc"));
    assertEquals("there", exec("joins", "cat /dev/shm/f"));
    exec("joins", "echo back >/dev/shm/g");
    assertEquals("back", exec("shares", "cat /dev/shm/g"));
    berth
        .berth("exec", "joins", "dd", "if=/dev/zero", "of=/dev/shm/big", "bs=1k", "count=2000")
        .exits(1)
        .says("No space");
    exec("joins", "rm /dev/shm/big");
    assertEquals("0", exec("own", "ls /dev/shm | wc -l"));
    // A new start begins with an empty one; who joined before keeps what it has.
    berth.berth("stop", "-t", "0", "shares").exits(0);
    assertEquals("there", exec("joins", "cat /dev/shm/f"));
    berth.berth("start", "shares").exits(0);
    berth.berth("stop", "-t", "0", "shares").exits(0);
    berth.berth("start", "joins").exits(0);
    berth.berth("stop", "-t", "0", "joins").exits(0);
    berth.berth("start", "joins").exits(1).says("not running");
  }

  @Test // Strangers are reaped, signals reach the program.
  void init() throws Exception {
    String orphans = "for i in 1 2 3; do (sleep 0.1 &) ; done; trap 'echo got; exit 7' TERM;";
    background(
        "reaped",
        "--network=none",
        "--init",
        IMAGE,
        "sh",
        "-c",
        orphans + " echo up; while :; do sleep 0.1; done");
    berth.eventuallySays("up", "logs", "reaped");
    assertTrue(exec("reaped", "cat /proc/1/comm").length() > 0);
    assertNotEquals("sh", exec("reaped", "cat /proc/1/comm"));
    Eventually.answers(
        "is without zombies",
        () -> exec("reaped", "cat /proc/[0-9]*/stat | grep -c ' Z ' || true"),
        "0"::equals);
    berth.berth("stop", "reaped").exits(0);
    assertEquals("7", inspect("reaped", "{{.State.ExitCode}}"));
    berth.berth("logs", "reaped").exits(0).says("got");
    run("--rm", "--network=none", "--init", IMAGE, "sh", "-c", "exit 9").exits(9);
    run("--rm", "--network=none", "--init", IMAGE, "no-such-program").exits(127);
  }

  @Test // What is exposed gets a host port with -P, and only then.
  void exposedPorts() {
    background("plain", "exposing:test", "sleep", "999");
    assertEquals("", berth.berth("port", "plain").exits(0).out());
    background(
        "all",
        "-P",
        "--expose=7003-7004",
        "-p",
        "127.0.0.1::7004",
        "exposing:test",
        "sleep",
        "999");
    List<String> ports = berth.berth("port", "all").exits(0).out().lines().sorted().toList();
    assertEquals(4, ports.size(), ports.toString());
    assertTrue(ports.get(0).matches("7001/tcp -> 0\\.0\\.0\\.0:\\d+"), ports.toString());
    assertTrue(ports.get(1).matches("7002/udp -> 0\\.0\\.0\\.0:\\d+"), ports.toString());
    assertTrue(ports.get(2).matches("7003/tcp -> 0\\.0\\.0\\.0:\\d+"), ports.toString());
    assertTrue(ports.get(3).matches("7004/tcp -> 127\\.0\\.0\\.1:\\d+"), ports.toString());
    assertEquals(4, ports.stream().map(line -> line.replaceAll(".*:", "")).distinct().count());
    berth.berth("ps").exits(0).says("->7001/tcp").says("->7002/udp");
    run("--expose=99999", IMAGE, "true").exits(125).says("exposed port `99999`");
    run("--expose=http", IMAGE, "true").exits(125).says("exposed port `http`");
  }

  @Test // A published one of them is answered.
  void anExposedPortAnswers() throws Exception {
    background(
        "web",
        "-P",
        "--expose=8080",
        IMAGE,
        "sh",
        "-c",
        "echo page >/tmp/f; busybox httpd -f -p 8080 -h /tmp");
    String host = berth.berth("port", "web", "8080").exits(0).out().strip();
    String url = "http://127.0.0.1" + host.substring(host.lastIndexOf(':')) + "/f";
    Eventually.answers(
        "has the page of " + url,
        () -> Command.run("curl", "-s", "-m", "5", "--noproxy", "*", url).out(),
        "page\n"::equals);
  }

  @Test
  void inspectOfAnExec() throws Exception {
    background("busy", "--network=none", IMAGE, "sleep", "999");
    berth.berth(
        "exec", "-d", "busy", "sh", "-c", "while ! test -e /go; do sleep 0.1; done; exit 5");
    String id =
        Json.tree(inspect("busy", "{{json .ExecIDs}}").getBytes(StandardCharsets.UTF_8), "ids")
            .path(0)
            .asText();
    assertEquals(64, id.length(), id);
    JsonNode runs = inspected(id);
    assertTrue(runs.path("Running").asBoolean(), runs.toString());
    assertTrue(runs.path("ExitCode").isNull(), runs.toString());
    assertTrue(runs.path("Pid").asInt() > 1, runs.toString());
    assertEquals("sh", runs.path("ProcessConfig").path("entrypoint").asText());
    assertEquals(inspect("busy", "{{.Id}}"), runs.path("ContainerID").asText());
    berth.berth("exec", "busy", "touch", "/go").exits(0);
    berth.eventuallySays("\"ExitCode\": 5", "exec", "inspect", id);
    JsonNode ended = inspected(id);
    assertEquals(false, ended.path("Running").asBoolean());
    assertEquals(5, ended.path("ExitCode").asInt());
    assertEquals(runs.path("Pid").asInt(), ended.path("Pid").asInt());
    berth.berth("inspect", "--type", "exec", id.substring(0, 12)).exits(0).says(id);
    berth.berth("exec", "inspect", "0".repeat(64)).exits(1).says("No such exec instance");
  }

  private static JsonNode inspected(String id) {
    String text = berth.berth("exec", "inspect", id).exits(0).out();
    return Json.tree(text.getBytes(StandardCharsets.UTF_8), "exec").path(0);
  }

  @Test // An exec that ends its whole container has an exit code of its own, however late one
  // looks.
  void anExecThatEndsItsContainer() {
    for (int i = 0; i < 5; i++) {
      String name = "brief" + i;
      background(
          name,
          "--rm",
          "--network=none",
          IMAGE,
          "sh",
          "-c",
          "trap 'exit 3' TERM; while :; do sleep 0.05; done");
      Command exec = berth.berth("exec", name, "sh", "-c", "kill 1; exit 5");
      assertTrue(exec.exit() == 5 || exec.exit() == 137, exec.toString());
      assertEquals("", exec.err());
    }
  }
}
