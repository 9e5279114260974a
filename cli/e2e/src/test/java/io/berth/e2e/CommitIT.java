package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.testing.Eventually;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Images that come from files and from containers, and containers that come from images. */
@Tag("root")
final class CommitIT {
  @RegisterExtension static final BerthInstance berth = new BerthInstance(BerthInstance.COLD);

  /** A root file system whose root is not of the usual mode, and whose resolv.conf is a link. */
  private static byte[] rootfs() {
    byte[] rest = BusyboxImage.layer();
    byte[] first =
        new BusyboxImage.Tar()
            .folder("./", 0711)
            .folder("etc/", 0755)
            .symlink("etc/resolv.conf", "../run/systemd/resolve/stub-resolv.conf")
            .bytes();
    byte[] both = new byte[first.length - 1024 + rest.length];
    System.arraycopy(first, 0, both, 0, first.length - 1024);
    System.arraycopy(rest, 0, both, first.length - 1024, rest.length);
    return both;
  }

  @BeforeAll
  static void makeImage() {
    Command made = withInput(rootfs(), "import", "-m", "made here", "-", "base");
    assertTrue(made.exits(0).out().matches("sha256:[0-9a-f]{64}\n"), made.out());
  }

  @AfterEach
  void removeContainers() {
    List<String> line = new ArrayList<>(List.of("rm", "-f"));
    berth.berth("ps", "-aq", "--no-trunc").exits(0).out().lines().forEach(line::add);
    if (line.size() > 2) {
      berth.berth(line.toArray(String[]::new)).exits(0);
    }
  }

  private static Command withInput(byte[] input, String... arguments) {
    List<String> line =
        new ArrayList<>(
            List.of(
                berth.libexec().resolve("bin/berth").toString(),
                "--config",
                berth.config().toString()));
    line.addAll(List.of(arguments));
    return Command.run(line, input, Map.of());
  }

  private static Command run(String... words) {
    List<String> line = new ArrayList<>(List.of("run", "--network=none"));
    line.addAll(List.of(words));
    return berth.berth(line.toArray(String[]::new));
  }

  @Test
  void anImportedRootFileSystemRunsAsItIs() {
    berth.berth("images").exits(0).says("REPOSITORY").says("base").says("latest");
    assertEquals(
        "711 regular file\n",
        run("--rm", "base", "sh", "-c", "echo $(stat -c %a /) $(stat -c %F /etc/resolv.conf)")
            .exits(0)
            .out());
    berth.berth("tag", "base", "mine/other", "v1").exits(0);
    // Two at once.
    List<CompletableFuture<Command>> tags = new ArrayList<>();
    for (String name : List.of("at:once", "same:time")) {
      tags.add(
          CompletableFuture.supplyAsync(() -> berth.berth("tag", "base", name), Command.READERS));
    }
    tags.forEach(tag -> tag.join().exits(0));
    berth.berth("rmi", "at:once", "same:time").exits(0);
    berth.berth("tag", "base", "UPPER").exits(1).says("invalid reference format");
    Command listed = berth.berth("images", "mine/other").exits(0);
    listed.says("v1").saysNo("base");
    assertEquals(
        berth.berth("images", "-q", "base").exits(0).out(),
        berth.berth("images", "-q", "mine/other").exits(0).out());
    berth.berth("image", "ls").exits(0).says("mine/other");
    berth.berth("rmi", "mine/other:v1").exits(0).says("Untagged: mine/other:v1");
    berth.berth("images").exits(0).saysNo("mine/other");
    withInput("no tar at all".repeat(100).getBytes(StandardCharsets.UTF_8), "import", "-", "bad")
        .exits(1);
    berth.berth("images").exits(0).saysNo("bad");
  }

  /** In docker's words, whoever carried it out. */
  @Test
  void whatIsReadAndWrittenIsTold() throws Exception {
    String id = berth.berth("create", "--name", "told", "-l", "a=b", "base", "true").exits(0).out();
    berth.berth("commit", "-m", "why not", "told", "told:1").exits(0);
    Path folder = berth.folder("told");
    berth.berth("export", "-o", folder.resolve("all.tar").toString(), "told").exits(0);
    berth.berth("cp", "told:/etc/passwd", folder.toString()).exits(0);
    berth.berth("cp", folder.resolve("passwd").toString(), "told:/tmp").exits(0);
    String format =
        "{{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.image}}"
            + " {{.Actor.Attributes.a}} {{.Actor.Attributes.comment}}"
            + " {{.Actor.Attributes.imageRef}}";
    String told =
        berth
            .berth(
                "events",
                "--since",
                "10m",
                "--until",
                "0s",
                "--filter",
                "container=" + id.strip(),
                "--format",
                format)
            .exits(0)
            .out();
    assertEquals(
        """
        create told base b <no value> <no value>
        commit told base b why not told:1
        export told base b <no value> <no value>
        archive-path told base b <no value> <no value>
        extract-to-dir told base b <no value> <no value>
        """,
        told);
  }

  /** What was below stays, for a container stands on it, and is not counted. */
  @Test
  void aPruneCountsWhatItFrees() {
    berth.berth("create", "--name", "keeper", "base", "true").exits(0);
    run("--name", "more", "base", "dd", "if=/dev/urandom", "of=/more", "bs=100k", "count=1")
        .exits(0);
    berth.berth("commit", "-c", "LABEL of=prune", "more", "more:1").exits(0);
    berth.berth("tag", "more:1", "more:2").exits(0);
    berth.berth("rm", "more").exits(0);
    String told = berth.berth("image", "prune", "-af", "--filter", "label=of").exits(0).out();
    String freed = told.lines().toList().getLast();
    assertTrue(freed.matches("Total reclaimed space: 1\\d\\d(\\.\\d+)?kB"), told);
  }

  @Test
  void changesBecomeAnImage() throws Exception {
    run("--name", "still", "base", "true").exits(0);
    assertEquals("", berth.berth("diff", "still").exits(0).out());
    run(
            "-d",
            "--name",
            "work",
            "base",
            "sh",
            "-c",
            "mkdir /new && echo kept >/new/file && echo x >>/etc/passwd && rm /etc/group && rm"
                + " /etc/hosts; while :; do sleep 1; done")
        .exits(0);
    // While it runs.
    String diff =
        Eventually.answers(
            "all that it changes",
            () -> berth.berth("diff", "work").exits(0).out(),
            "C /etc\nD /etc/group\nC /etc/passwd\nA /new\nA /new/file\n"::equals);
    Command id =
        berth.berth(
            "commit",
            "-m",
            "the message",
            "-c",
            "CMD [\"cat\", \"/new/file\"]",
            "work",
            "base",
            "2");
    assertTrue(id.exits(0).out().matches("sha256:[0-9a-f]{64}\n"), id.out());
    // It was frozen meanwhile, and goes on.
    assertEquals(
        "running\n", berth.berth("inspect", "-f", "{{.State.Status}}", "work").exits(0).out());
    Command history =
        berth.berth("history", "base:2").exits(0).says("the message").says("made here");
    assertEquals(3, history.out().lines().count(), history.out());
    assertEquals("kept\n", run("--rm", "base:2").exits(0).out());
    run("--rm", "base:2", "ls", "/etc/group").exits(1);
    berth.berth("commit", "nobody", "t").exits(1).says("No such container: nobody");
    berth.berth("commit", "work", "../../x").exits(1).says("invalid reference format");
    berth.berth("commit").exits(1).says("CONTAINER is missing");
    // Stopped and started again it has what it wrote.
    berth.berth("stop", "-t", "0", "work").exits(0);
    assertEquals(diff, berth.berth("diff", "work").exits(0).out());
    berth.berth("diff").exits(1).says("CONTAINER is missing");
    berth.berth("diff", "nobody").exits(1).says("No such container: nobody");
  }

  @Test // And nothing is left mounted.
  void filesComeOut() throws Exception {
    run("--name", "full", "base", "sh", "-c", "echo content >/root/file").exits(0);
    Path tar = berth.folder("out").resolve("full.tar");
    berth.berth("export", "-o", tar.toString(), "full").exits(0);
    Command names = Command.run("tar", "-tf", tar.toString()).exits(0);
    names.says("root/file\n").says("etc/passwd\n");
    berth.berth("cp", "full:/root/file", "-").exits(0).says("content\n"); // As a tar.
    Path none = berth.folder("out").resolve("none.tar");
    berth.berth("cp", "full:/nope", none.toString()).exits(1).says("no such file or directory");
    assertFalse(Files.exists(none));
    assertTrue(
        Files.readAllLines(Path.of("/proc/self/mountinfo")).stream()
            .noneMatch(line -> line.contains("overlay") && line.contains(berth.dir().toString())));
  }

  @Test // What is saved can be loaded, under its name and with its id.
  void savedAndLoaded() throws Exception {
    berth.berth("tag", "base", "travel:1").exits(0);
    String id = berth.berth("images", "-q", "travel:1").exits(0).out();
    for (String format : List.of("oci", "docker")) {
      Path file = berth.folder("out").resolve(format + ".tar");
      berth.berth("save", "--format=" + format, "-o", file.toString(), "travel:1").exits(0);
      berth.berth("rmi", "travel:1").exits(0);
      berth.berth("load", "-i", file.toString()).exits(0);
      assertEquals(id, berth.berth("images", "-q", "travel:1").exits(0).out());
    }
    berth.berth("image", "verify").exits(0);
    berth.berth("rmi", "travel:1").exits(0);
  }

  @Test
  void anImagesConfiguration() {
    withInput(
            rootfs(),
            "import",
            "-c",
            "USER 1000:10",
            "-c",
            "WORKDIR /tmp",
            "-c",
            "ENV A=image B=image",
            "-c",
            "ENTRYPOINT [\"/bin/echo\", \"entry\"]",
            "-c",
            "CMD [\"cmd\"]",
            "-c",
            "STOPSIGNAL SIGUSR1",
            "-c",
            "LABEL from=image both=image",
            "-",
            "set")
        .exits(0);
    assertEquals("entry cmd\n", run("--rm", "set").exits(0).out());
    assertEquals("entry own  words\n", run("--rm", "set", "own  words").exits(0).out());
    assertEquals(
        "1000:10 /tmp image mine\n",
        run(
                "--rm",
                "--entrypoint=sh",
                "-e",
                "B=mine",
                "set",
                "-c",
                "echo $(id -u):$(id -g) $(pwd) $A $B")
            .exits(0)
            .out());
    // Another entrypoint drops the image's command; an empty one is not an absent one.
    assertEquals("\n", run("--rm", "--entrypoint=echo", "set").exits(0).out());
    assertEquals("x\n", run("--rm", "--entrypoint=", "set", "echo", "x").exits(0).out());
    run("--rm", "--entrypoint=", "set").exits(125).says("no command specified");
    berth.berth("create", "--name=seen", "--label=both=user", "-w", "/", "set", "more").exits(0);
    Command seen = berth.berth("inspect", "seen").exits(0);
    seen.says("\"Image\": \"sha256:").says("\"Image\": \"set\"").says("\"Driver\": \"overlayfs\"");
    seen.says("\"Path\": \"/bin/echo\"").says("\"more\"").says("\"from\": \"image\"");
    seen.says("\"both\": \"user\"").says("\"StopSignal\": \"SIGUSR1\"");
    seen.says("\"WorkingDir\": \"/\"").says("\"User\": \"1000:10\"");
    berth.berth("create", "base").exits(1).says("no command specified");
    berth.berth("rmi", "set").exits(1).says("using its referenced image");
    berth.berth("rm", "seen").exits(0);
    berth.berth("rmi", "set").exits(0);
  }

  @Test // The upper layer's file is seen, the deleted one is not.
  void layersLieOnEachOther() throws Exception {
    byte[] lower =
        new BusyboxImage.Tar()
            .file("f", 0644, "lower".getBytes(StandardCharsets.UTF_8))
            .file("etc/motd", 0644, new byte[1])
            .bytes();
    byte[] upper =
        new BusyboxImage.Tar()
            .file("f", 0644, "upper".getBytes(StandardCharsets.UTF_8))
            .file("etc/.wh.motd", 0644, new byte[0])
            .bytes();
    for (List<byte[]> layers :
        List.of(
            List.of(BusyboxImage.layer(), lower, upper), List.of(BusyboxImage.layer(), lower))) {
      Path archive =
          BusyboxImage.archive(
              berth.folder("image"), "docker.io/library/two:" + layers.size(), layers, List.of());
      berth.berth("load", "-i", archive.toString()).exits(0);
    }
    assertEquals("upper", run("--rm", "two:3", "cat", "/f").exits(0).out());
    run("--rm", "two:3", "ls", "/etc/motd").exits(1);
    // The same base below another image: each has its own top.
    assertEquals("lower", run("--rm", "two:2", "cat", "/f").exits(0).out());
    run("--rm", "two:2", "ls", "/etc/motd").exits(0);
    // What a middle layer deleted and a container makes is new.
    run("--name", "again", "two:3", "touch", "/etc/motd").exits(0);
    berth.berth("diff", "again").exits(0).says("A /etc/motd");
  }
}
