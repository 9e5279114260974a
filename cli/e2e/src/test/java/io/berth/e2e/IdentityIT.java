package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.testing.Eventually;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Who a process in a container is, and which system calls it may make. */
@Tag("root")
final class IdentityIT {
  @RegisterExtension static final BerthInstance berth = new BerthInstance(BerthInstance.COLD);
  private static final String IMAGE = "busybox:test";
  private static final String DECEIVING = "deceiving:test";
  private static final int EPERM = 1;
  private static final long HIGH = 0x100000000L;

  /** Users and groups that are named by numbers of others. */
  private static byte[] deceivingFiles() {
    return new BusyboxImage.Tar()
        .file(
            "etc/passwd",
            0644,
            """
            root:x:0:0:root:/root:/bin/sh
            1000:x:0:0::/:/bin/sh
            99999999999:x:0:0::/:/bin/sh
            -1:x:0:0::/:/bin/sh
            bob:x:1001:1002::/home:/bin/sh
            """
                .getBytes(StandardCharsets.UTF_8))
        .file(
            "etc/group",
            0644,
            "root:x:0:\n50:x:0:\n4294967297:x:0:\nextra:x:70:bob\n"
                .getBytes(StandardCharsets.UTF_8))
        .bytes();
  }

  @BeforeAll
  static void load() throws Exception {
    Path folder = berth.folder("image");
    berth
        .berth(
            "load",
            "-i",
            BusyboxImage.archive(
                    folder,
                    "docker.io/library/" + IMAGE,
                    ",\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"grep ^Groups"
                        + " /proc/self/status\"],\"Interval\":100000000}")
                .toString())
        .exits(0);
    berth
        .berth(
            "load",
            "-i",
            BusyboxImage.archive(
                    folder,
                    "docker.io/library/" + DECEIVING,
                    List.of(BusyboxImage.layer(), deceivingFiles()),
                    List.of())
                .toString())
        .exits(0);
  }

  @AfterEach
  void remove() {
    List<String> line = new ArrayList<>(List.of("rm", "-f"));
    berth.berth("ps", "-aq", "--no-trunc").exits(0).out().lines().forEach(line::add);
    if (line.size() > 2) {
      berth.berth(line.toArray(String[]::new)).exits(0);
    }
  }

  private static Command run(List<String> options, String image, String script) {
    List<String> line = new ArrayList<>(List.of("run", "--rm", "--network=none"));
    line.addAll(options);
    line.addAll(List.of(image, "sh", "-c", script));
    return berth.berth(line.toArray(String[]::new));
  }

  private static final String WHO =
      "echo $(awk '/^(Uid|Gid|Groups):/ {$1=\"\"; $3=$3; print}' /proc/self/status)";

  /** The real, effective, saved and file system's ids, then the groups. */
  private static String ids(int uid, int gid, String groups) {
    return (uid + " ").repeat(4) + (gid + " ").repeat(4) + groups;
  }

  // case L6: the files inside tell who a user is, also where mounts have put them there.
  @Test
  void usersAndGroupsAreThoseOfTheFilesInside() throws Exception {
    Path etc = berth.folder("accounts");
    Path passwd = Files.writeString(etc.resolve("passwd"), "eve:x:4321:4322::/home:/bin/sh\n");
    Path group =
        Files.writeString(etc.resolve("group"), "eve:x:4322:\nclub:x:4323:eve\nlate:x:4324:\n");
    List<String> files = List.of("-v", passwd + ":/etc/passwd:ro", "-v", group + ":/etc/group:ro");
    List<String> user = new ArrayList<>(files);
    user.addAll(List.of("-u", "eve", "--group-add", "late"));
    assertEquals(ids(4321, 4322, "4322 4323 4324"), run(user, IMAGE, WHO).out().strip());
    List<String> numbers = new ArrayList<>(files);
    numbers.addAll(List.of("-u", "4321:club"));
    assertEquals(ids(4321, 4323, "4323"), run(numbers, IMAGE, WHO).out().strip());
    List<String> root = new ArrayList<>(files);
    assertEquals(ids(0, 0, "0"), run(root, IMAGE, WHO).out().strip());
    root.addAll(List.of("-u", "ann"));
    assertTrue(run(root, IMAGE, WHO).exits(125).err().contains("unable to find user ann"));
    // The folder is a volume that has got the image's files, in which a user is changed.
    berth.berth("volume", "create", "accounts").exits(0);
    List<String> line = new ArrayList<>(List.of("create", "--name", "inside", "--network=none"));
    line.addAll(List.of("-u", "ann", "-v", "accounts:/etc", IMAGE, "sh", "-c", "sleep 1000"));
    berth.berth(line.toArray(String[]::new)).exits(0);
    berth.berth("start", "inside").exits(0);
    assertEquals(
        ids(1000, 1000, "10 1000"), berth.berth("exec", "inside", "sh", "-c", WHO).out().strip());
    String change = "echo eve:x:5:6::/:/bin/sh > /etc/passwd; echo club:x:7:eve >> /etc/group";
    berth.berth("exec", "-u", "0", "inside", "sh", "-c", change).exits(0);
    assertEquals(
        ids(5, 6, "6 7"),
        berth.berth("exec", "-u", "eve", "inside", "sh", "-c", WHO).out().strip());
    assertEquals(
        ids(5, 7, "7"),
        berth.berth("exec", "-u", "eve:club", "inside", "sh", "-c", WHO).out().strip());
    String unlisted = berth.berth("exec", "-u", "ann", "inside", "true").exits(126).err();
    assertTrue(unlisted.contains("unable to find user ann"), unlisted);
    berth.berth("rm", "-f", "inside").exits(0);
    berth.berth("volume", "rm", "accounts").exits(0);
  }

  // case S2, CVE-2023-25173: one routine says who the first process is, who an exec is, and who a
  // health check is.
  @Test
  void thePrimaryGroupIsAmongTheSupplementaryOnes() throws Exception {
    assertEquals(ids(1234, 10, "10"), run(List.of("-u", "1234:10"), IMAGE, WHO).out().strip());
    assertEquals(ids(0, 0, "0 10"), run(List.of(), IMAGE, WHO).out().strip());
    assertEquals(ids(1234, 0, "0"), run(List.of("-u", "1234"), IMAGE, WHO).out().strip());
    List<String> more = List.of("-u", "ann", "--group-add", "77", "--group-add", "root");
    assertEquals(ids(1000, 1000, "0 10 77 1000"), run(more, IMAGE, WHO).out().strip());

    berth
        .berth(
            "run",
            "-d",
            "--network=none",
            "--name=stays",
            "-u",
            "1234:10",
            "--group-add=77",
            IMAGE,
            "sleep",
            "1000")
        .exits(0);
    assertEquals(ids(1234, 10, "10 77"), exec("stays"));
    assertEquals(ids(1234, 20, "20 77"), exec("-u", "1234:20", "stays"));
    assertEquals(ids(1000, 1000, "10 77 1000"), exec("-u", "ann", "stays"));
    assertEquals(ids(0, 0, "0 10 77"), exec("-u", "root", "stays"));
    assertEquals("10 77", probed("stays"));
    String id = berth.berth("inspect", "-f", "{{.Id}}", "stays").exits(0).out().strip();
    assertEquals(
        ids(33, 44, "44"),
        berth
            .berth("tasks", "exec", "--user", "33:44", id, "sh", "-c", WHO)
            .exits(0)
            .out()
            .strip());
  }

  private static String exec(String... words) {
    List<String> line = new ArrayList<>(List.of("exec"));
    line.addAll(List.of(words));
    line.addAll(List.of("sh", "-c", WHO));
    return berth.berth(line.toArray(String[]::new)).exits(0).out().strip();
  }

  /** Waits until a health check has said who it is, and answers the groups. */
  private static String probed(String name) throws Exception {
    Pattern groups = Pattern.compile("Groups:\\\\t([0-9 ]+)");
    String health =
        Eventually.answers(
            "says who it is",
            () -> berth.berth("inspect", "-f", "{{json .State.Health}}", name).exits(0).out(),
            text -> groups.matcher(text).find());
    Matcher found = groups.matcher(health);
    assertTrue(found.find());
    return found.group(1).strip();
  }

  // case S18, CVE-2024-40635, CVE-2026-46680
  @Test
  void aNumberIsNeverAName() throws Exception {
    assertEquals(ids(1000, 0, "0"), run(List.of("-u", "1000"), DECEIVING, WHO).out().strip());
    assertEquals(ids(1001, 50, "50"), run(List.of("-u", "1001:50"), DECEIVING, WHO).out().strip());
    assertEquals(
        ids(1001, 1002, "50 70 1002"),
        run(List.of("-u", "1001", "--group-add", "50"), DECEIVING, WHO).out().strip());
    berth.berth("run", "-d", "--network=none", "--name=stays", DECEIVING, "sleep", "1000").exits(0);
    assertEquals(ids(1000, 0, "0"), exec("-u", "1000", "stays"));
    for (String wrong : List.of("99999999999", "4294967297", "2147483648", "-1", "0:-1")) {
      run(List.of("-u", wrong), DECEIVING, WHO).exits(125).says("not between 0 and 2147483647");
      Command exec = berth.berth("exec", "-u", wrong, "stays", "id");
      exec.says("not between 0 and 2147483647").saysNo("uid=");
    }
    run(List.of("--group-add", "4294967297"), DECEIVING, WHO)
        .exits(125)
        .says("group 4294967297: not between 0 and 2147483647");
    for (String number : List.of("1000", "99999999999")) {
      Path archive =
          BusyboxImage.archive(
              berth.folder("user"),
              "docker.io/library/user:" + number,
              OciImage.of(
                  BusyboxImage.architecture(),
                  List.of(BusyboxImage.layer(), deceivingFiles()),
                  ",\"User\":\"" + number + "\""),
              List.of());
      berth.berth("load", "-i", archive.toString()).exits(0);
    }
    assertEquals(ids(1000, 0, "0"), run(List.of(), "user:1000", WHO).out().strip());
    run(List.of(), "user:99999999999", WHO).exits(125).says("not between 0 and 2147483647");
  }

  // case S8, CVE-2026-31431: address families are a list of the allowed ones, and an int is
  // compared as an int.
  @Test
  void theDefaultFilter_readsAnIntAsTheKernelDoes() throws Exception {
    Path folder = berth.folder("calls");
    Path source = folder.resolve("calls.c");
    try (InputStream in = Objects.requireNonNull(IdentityIT.class.getResourceAsStream("calls.c"))) {
      Files.write(source, in.readAllBytes());
    }
    Command.run(
            "musl-gcc",
            "-static",
            "-O1",
            "-o",
            folder.resolve("calls").toString(),
            source.toString())
        .exits(0);
    Set<Long> plain = Set.of(1L, 2L, 10L, 16L, 17L);
    judge(folder, List.of(), plain);
    Set<Long> networks = new TreeSet<>(plain);
    networks.addAll(List.of(15L, 24L, 29L, 31L, 44L));
    judge(folder, List.of("--cap-add", "NET_ADMIN"), networks);
  }

  private static void judge(Path folder, List<String> options, Set<Long> families) {
    List<String> line =
        new ArrayList<>(List.of("run", "--rm", "--network=none", "-v", folder + ":/calls:ro"));
    line.addAll(options);
    line.addAll(List.of(IMAGE, "/calls/calls"));
    Map<String, Integer> errors = new HashMap<>();
    for (String said : berth.berth(line.toArray(String[]::new)).exits(0).out().lines().toList()) {
      int blank = said.lastIndexOf(' ');
      errors.put(said.substring(0, blank), Integer.parseInt(said.substring(blank + 1)));
    }
    List<String> wrong = new ArrayList<>();
    for (long family = 0; family < 64; family++) {
      for (long high : List.of(0L, HIGH)) {
        expect(errors, "socket", family | high, families.contains(family), wrong);
        expect(errors, "socketpair", family | high, families.contains(family), wrong);
      }
    }
    for (long domain : List.of(0L, 8L, 0x20000L, 0x20008L, 0xffffffffL)) {
      expect(errors, "personality", domain, true, wrong);
      expect(errors, "personality", domain | HIGH, true, wrong);
    }
    for (long domain : List.of(0x400000L, 0x40000L, 0x20L)) {
      expect(errors, "personality", domain, false, wrong);
      expect(errors, "personality", domain | HIGH, false, wrong);
    }
    assertEquals(List.of(), wrong, "with " + options);
  }

  /** Whether the filter lets a call through; what the kernel says then does not matter here. */
  private static void expect(
      Map<String, Integer> errors,
      String call,
      long argument,
      boolean allowed,
      List<String> wrong) {
    String key = call + " 0x" + Long.toHexString(argument);
    Integer error = errors.get(key);
    if (error == null || (error != EPERM) != allowed) {
      wrong.add(key + ": error " + error + (allowed ? " but allowed" : " but forbidden"));
    }
  }
}
