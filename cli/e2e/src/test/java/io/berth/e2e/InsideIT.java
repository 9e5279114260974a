package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What a container sees and may do, and what the options of {@code run} change of that. */
@Tag("root")
final class InsideIT {
  @RegisterExtension static final BerthInstance berth = new BerthInstance(BerthInstance.COLD);
  private static final String IMAGE = "busybox:test";

  @BeforeAll
  static void load() throws Exception {
    berth.berth("load", "-i", BusyboxImage.archive(berth.folder("image")).toString()).exits(0);
  }

  private static String[] line(List<String> options, String script) {
    List<String> line = new ArrayList<>(List.of("run", "--rm"));
    line.addAll(options);
    line.addAll(List.of(IMAGE, "sh", "-c", script));
    return line.toArray(String[]::new);
  }

  /** What a script in a container of its own says, by the words before the equals signs. */
  private static Map<String, String> facts(List<String> options, String script) {
    Map<String, String> facts = new HashMap<>();
    Command command = berth.berth(line(options, script)).exits(0);
    assertEquals("", command.err());
    for (String line : command.out().lines().toList()) {
      int equals = line.indexOf('=');
      assertTrue(equals > 0, line);
      facts.put(line.substring(0, equals), line.substring(equals + 1));
    }
    return facts;
  }

  private static void same(Map<String, String> facts, String... expected) {
    for (String pair : expected) {
      int equals = pair.indexOf('=');
      assertEquals(
          pair.substring(equals + 1), facts.get(pair.substring(0, equals)), pair + " in " + facts);
    }
  }

  private static String host(String namespace) throws Exception {
    return Files.readSymbolicLink(Path.of("/proc/self/ns", namespace)).toString();
  }

  static final String NAMESPACES =
      "for n in uts ipc pid mnt net; do echo $n=$(readlink /proc/self/ns/$n); done\n";

  private static final String DEFAULTS =
      NAMESPACES
          + """
          echo pid=$$
          echo caps=$(grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status | awk '{print $2}')
          echo seccomp=$(awk '/^Seccomp:/ {print $2}' /proc/self/status)
          echo fds=$(ls /proc/self/fd)
          echo root=$(ls -a / | tr '\\n' ' ')
          for m in /proc /sys /dev /dev/pts /dev/shm /dev/mqueue; do
            echo mount$m=$(awk -v m=$m '$2 == m {print $3" "$4}' /proc/mounts)
          done
          for d in null zero full random urandom tty; do
            echo $d=$(stat -c '%F %t:%T %a' /dev/$d)
          done
          echo links=$(for l in fd stdin stdout stderr ptmx; do readlink /dev/$l; done)
          echo pts=$(ls /dev/pts)
          echo hostname=$(hostname)
          echo file=$(cat /etc/hostname)
          echo mtab=$(readlink /etc/mtab)
          echo dockerenv=$(stat -c %s /.dockerenv)
          echo kcore=$(head -c 1 /proc/kcore 2>/dev/null | wc -c)
          echo resolv=$(stat -c %F /etc/resolv.conf)
          echo localhost=$(grep -c '^127.0.0.1.*localhost' /etc/hosts)
          echo devices=$(busybox mknod /x b 8 0 2>&1 && busybox head -c 1 /x 2>&1)
          echo host=$(ls -d /home/* 2>/dev/null | wc -l)
          """;

  private static final String CHANGED =
      """
      limit() { # version 2, or version 1's name
        for f in /sys/fs/cgroup/$1 /sys/fs/cgroup/*/$2; do [ -f $f ] && cat $f && break; done
      }
      echo memory=$(limit memory.max memory.limit_in_bytes)
      echo pids=$(limit pids.max pids.max)
      echo cpu=$(limit cpu.max cpu.cfs_quota_us)
      echo cpus=$(awk '/Cpus_allowed_list/ {print $2}' /proc/self/status)
      echo files=$(ulimit -Sn):$(ulimit -Hn)
      echo names=$(hostname):$(cat /proc/sys/kernel/domainname):$(cat /etc/hostname)
      echo folder=$(pwd)
      echo caps=$(awk '/CapBnd/ {print $2}' /proc/self/status)
      echo privileges=$(awk '/NoNewPrivs/ {print $2}' /proc/self/status)
      echo root=$(touch /x 2>&1)
      echo tmpfs=$(touch /t/x && busybox df -k /t | awk 'NR == 2 {print $2}')
      echo shm=$(busybox df -k /dev/shm | awk 'NR == 2 {print $2}')
      echo oom=$(cat /proc/self/oom_score_adj)
      echo forward=$(cat /proc/sys/net/ipv4/ip_forward)
      echo added=$(grep a.test /etc/hosts)
      echo resolv=$(cat /etc/resolv.conf)
      echo fuse=$(stat -c '%F %t:%T' /dev/fuse)
      """;

  @Test
  void theDefaults() throws Exception {
    List<String> mountsBefore = hostMounts();
    Map<String, String> facts = facts(List.of("--network", "none"), DEFAULTS);
    for (String namespace : List.of("uts", "ipc", "pid", "mnt", "net")) {
      assertNotEquals(host(namespace), facts.get(namespace));
    }
    same(
        facts,
        "pid=1",
        "caps=0000000000000000 00000000a80425fb 00000000a80425fb 00000000a80425fb 0000000000000000",
        "seccomp=2",
        // The fourth is ls's own.
        "fds=0 1 2 3",
        "null=character special file 1:3 666",
        "zero=character special file 1:5 666",
        "full=character special file 1:7 666",
        "random=character special file 1:8 666",
        "urandom=character special file 1:9 666",
        "tty=character special file 5:0 666",
        "links=/proc/self/fd /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 pts/ptmx",
        "pts=ptmx",
        "mtab=/proc/mounts",
        "dockerenv=0",
        "kcore=0",
        "resolv=regular file",
        "localhost=1",
        "host=0");
    assertTrue(facts.getOrDefault("mount/proc", "").startsWith("proc rw,nosuid,nodev,noexec"));
    assertTrue(facts.getOrDefault("mount/sys", "").startsWith("sysfs ro,nosuid,nodev,noexec"));
    assertTrue(facts.getOrDefault("mount/dev", "").matches("tmpfs rw,nosuid.*mode=755.*"));
    assertTrue(facts.getOrDefault("mount/dev/pts", "").matches("devpts .*ptmxmode=666.*"));
    assertTrue(facts.getOrDefault("mount/dev/shm", "").matches("tmpfs .*size=65536k.*"));
    assertTrue(facts.getOrDefault("mount/dev/mqueue", "").startsWith("mqueue "));
    assertTrue(facts.getOrDefault("hostname", "").matches("[0-9a-f]{12}"));
    assertEquals(facts.get("hostname"), facts.get("file"));
    assertFalse(facts.getOrDefault("root", "").contains("put"), facts.get("root"));
    assertTrue(facts.getOrDefault("devices", "").contains("Operation not permitted"));
    assertEquals(mountsBefore, hostMounts());
  }

  private static List<String> hostMounts() throws Exception {
    return Files.readAllLines(Path.of("/proc/self/mountinfo")).stream()
        .filter(line -> line.contains(berth.dir().toString()) && line.contains("overlay"))
        .toList();
  }

  @Test // What was configured, and nothing of the caller's.
  void theEnvironment() {
    List<String> line =
        new ArrayList<>(
            List.of(
                berth.libexec().resolve("bin/berth").toString(),
                "--config",
                berth.config().toString()));
    line.addAll(
        List.of(
            "run",
            "--rm",
            "--network=none",
            "-e",
            "OWN=1",
            "-e",
            "FROM_CALLER",
            "-e",
            "PATH=/bin:/x",
            IMAGE,
            "env"));
    Command env =
        Command.run(line, new byte[0], Map.of("FROM_CALLER", "a b", "SECRET", "host")).exits(0);
    List<String> names = env.out().lines().sorted().toList();
    assertEquals(6, names.size(), env.out());
    env.says("OWN=1\n").says("FROM_CALLER=a b\n").says("FROM_IMAGE=yes\n").says("PATH=/bin:/x\n");
    env.says("HOME=/root\n").says("HOSTNAME=").saysNo("SECRET");
  }

  @Test // The container's own files say who is who.
  void users() {
    String script = "echo id=$(id -u):$(id -g):$(id -G); echo home=$HOME";
    List<String> none = List.of("--network", "none");
    same(facts(none, script), "id=0:0:0 10", "home=/root");
    same(
        facts(List.of("--network", "none", "-u", "ann"), script),
        "id=1000:1000:1000 10",
        "home=/home");
    same(
        facts(List.of("--network", "none", "-u", "4242:7", "--group-add", "99"), script),
        "id=4242:7:7 99",
        "home=/");
    berth
        .berth(line(List.of("--network", "none", "-u", "nobody-knows"), "true"))
        .exits(125)
        .says("unable to find user nobody-knows: no matching entries in passwd file")
        .saysNo("pulling");
  }

  @Test
  void whatOptionsChange() {
    Map<String, String> facts =
        facts(
            List.of(
                "--network=none",
                "--hostname=own",
                "--domainname=d.test",
                "-w",
                "/made/here",
                "--cap-drop=ALL",
                "--cap-add=NET_ADMIN",
                "--security-opt=no-new-privileges",
                "--read-only",
                "--tmpfs=/t:size=64k",
                "--shm-size=1m",
                "--oom-score-adj=500",
                "--sysctl=net.ipv4.ip_forward=1",
                "--ulimit=nofile=100:200",
                "--pids-limit=20",
                "-m",
                "64m",
                "--cpus=0.5",
                "--cpuset=0",
                "--add-host=a.test:1.2.3.4",
                "--dns=9.9.9.9",
                "--dns-search=s.test",
                "--dns-opt=ndots:2",
                "--device=/dev/fuse"),
            CHANGED);
    same(
        facts,
        "memory=" + (64 << 20),
        "pids=20",
        "cpus=0",
        "files=100:200",
        "names=own:d.test:own",
        "folder=/made/here",
        "caps=0000000000001000",
        "privileges=1",
        "root=touch: /x: Read-only file system",
        "tmpfs=64",
        "shm=1024",
        "oom=500",
        "forward=1",
        "added=1.2.3.4 a.test",
        "resolv=nameserver 9.9.9.9 search s.test options ndots:2",
        "fuse=character special file a:e5");
    assertTrue(facts.getOrDefault("cpu", "").startsWith("50000"), facts.get("cpu"));
  }

  @Test // The host's own.
  void theHostsNamespaces() throws Exception {
    Map<String, String> facts =
        facts(
            List.of("--privileged", "--uts=host", "--pid=host", "--ipc=host", "--network=host"),
            NAMESPACES
                + """
                echo caps=$(awk '/CapEff/ {print $2}' /proc/self/status)
                echo seccomp=$(awk '/^Seccomp:/ {print $2}' /proc/self/status)
                echo sys=$(awk '$2 == "/sys" {print $4}' /proc/mounts)
                """);
    for (String namespace : List.of("uts", "ipc", "pid", "net")) {
      assertEquals(host(namespace), facts.get(namespace));
    }
    assertNotEquals(host("mnt"), facts.get("mnt"));
    String own =
        Files.readAllLines(Path.of("/proc/self/status")).stream()
            .filter(line -> line.startsWith("CapBnd:"))
            .findFirst()
            .orElseThrow();
    same(facts, "caps=" + own.substring(7).strip(), "seccomp=0");
    assertTrue(facts.getOrDefault("sys", "").startsWith("rw"), facts.get("sys"));
    berth
        .berth("run", "--rm", "--uts=host", "--hostname=x", IMAGE, "true")
        .exits(125)
        .says("hostname");
  }

  @Test // Another container's, by its name.
  void anotherContainersNamespaces() {
    berth.berth("run", "-d", "--name", "first", IMAGE, "sleep", "1000").exits(0);
    try {
      Command first = berth.berth("exec", "first", "sh", "-c", NAMESPACES).exits(0);
      Map<String, String> facts =
          facts(List.of("--pid=container:first", "--net=container:first"), NAMESPACES);
      for (String namespace : List.of("pid", "net")) {
        first.says(namespace + "=" + facts.get(namespace) + "\n");
      }
      first.saysNo(facts.getOrDefault("mnt", "?"));
      berth.berth("stop", "-t", "0", "first").exits(0);
      berth.berth("run", "--rm", "--net=container:first", IMAGE, "true").exits(125).says("first");
      berth.berth("run", "--rm", "--net=container:", IMAGE, "true").exits(125);
    } finally {
      berth.berth("rm", "-f", "first").exits(0);
    }
  }

  @Test
  void bindMounts() throws Exception {
    Path deep = berth.folder("volumes").resolve("not/there");
    Path file = Files.writeString(berth.folder("volumes").resolve("file"), "content");
    Map<String, String> facts =
        facts(
            List.of("--network=none", "-v", deep + ":/d", "-v", file + ":/a/b/file:ro"),
            """
            echo file=$(cat /a/b/file)
            echo write=$({ echo x >/a/b/file; } 2>&1)
            echo data >/d/kept && echo made=$(ls /d)
            """);
    same(facts, "file=content", "made=kept");
    assertTrue(facts.getOrDefault("write", "").contains("Read-only file system"));
    // The container is gone, its mounts are, and the data is not.
    assertEquals("data\n", Files.readString(deep.resolve("kept")));
    assertEquals("content", Files.readString(file));
    assertTrue(
        Files.readAllLines(Path.of("/proc/self/mountinfo")).stream()
            .noneMatch(mount -> mount.contains(deep.toString())));
    Path absent = deep.resolveSibling("never");
    berth
        .berth(
            line(List.of("--network=none", "--mount=type=bind,src=" + absent + ",dst=/d"), "true"))
        .exits(125)
        .says("does not exist");
    assertFalse(Files.exists(absent));
    berth.berth(line(List.of("-v", "relative:/"), "true")).exits(125);
    assertEquals("", berth.berth("ps", "-aq").exits(0).out());
  }

  @Test // A link of the image at the mount's place leads nowhere outside.
  void aMountOverALinkStaysInside() throws Exception {
    Path outside = Path.of("/tmp", "bt-out-" + berth.id());
    Path archive =
        BusyboxImage.archive(
            berth.folder("image"),
            "docker.io/library/linked:1",
            List.of(
                BusyboxImage.layer(),
                new BusyboxImage.Tar().symlink("way", outside.toString()).bytes()),
            List.of());
    berth.berth("load", "-i", archive.toString()).exits(0);
    Path source = berth.folder("volumes/linked");
    Files.writeString(source.resolve("x"), "inside");
    Command command =
        berth.berth(
            "run",
            "--rm",
            "--network=none",
            "-v",
            source + ":/way/to",
            "linked:1",
            "cat",
            "/way/to/x");
    assertEquals("inside", command.exits(0).out());
    assertFalse(Files.exists(outside), outside + " was made on the host");
  }

  @Test // A volume outlives its containers.
  void volumes() {
    berth.berth("volume", "create", "kept").exits(0);
    berth.berth(line(List.of("--network=none", "-v", "kept:/data"), "touch /data/new")).exits(0);
    berth
        .berth(line(List.of("--network=none", "--mount=src=kept,dst=/v"), "ls /v"))
        .exits(0)
        .says("new\n");
    berth.berth("volume", "ls").exits(0).says("kept");
    berth.berth("volume", "rm", "kept").exits(0);
  }

  @Test // Words stay words, and a failed start leaves nothing.
  void arguments() throws Exception {
    assertEquals(
        "a  b||c d|",
        berth
            .berth("run", "--rm", "--network=none", IMAGE, "printf", "%s|%s|%s|", "a  b", "", "c d")
            .exits(0)
            .out());
    List<String> before = hostMounts();
    Command refused = berth.berth("run", "--rm", "--network=none", "--runtime=nope", IMAGE, "true");
    refused.exits(125).says("nope");
    assertEquals(1, refused.err().lines().count(), refused.err());
    assertEquals(before, hostMounts());
    assertEquals("", berth.berth("ps", "-aq").exits(0).out());
  }
}
