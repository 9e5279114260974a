package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the configuration of an image says decides nothing outside its containers. */
@Tag("root")
final class HostileImageIT {
  @RegisterExtension static final BerthInstance berth = new BerthInstance(BerthInstance.COLD);
  private static Path host = Path.of("/");

  @BeforeAll
  static void makeHostFolder() throws Exception {
    host = Files.createDirectories(berth.folder("host"));
    Files.writeString(host.resolve("secret-of-the-machine"), "of the machine\n");
  }

  /** Loads an image whose configuration has this as well, and answers its name. */
  private static String image(String name, String more) throws Exception {
    Path archive =
        BusyboxImage.archive(
            berth.folder("image-" + name),
            "docker.io/library/" + name + ":1",
            OciImage.of(BusyboxImage.architecture(), List.of(BusyboxImage.layer()), more),
            List.of());
    berth.berth("load", "-i", archive.toString()).exits(0);
    return name + ":1";
  }

  @ParameterizedTest // CVE-2022-23648
  @ValueSource(strings = {"/../../../../../../../..HOST", "HOST/../host", "..HOST", "/a/../..HOST"})
  void volumesOfAnImage_areItsOwn(String volume) throws Exception {
    String path = volume.replace("HOST", host.toString());
    String image = image("volumes", ",\"Volumes\":{\"%s\":{}}".formatted(path));
    Command run =
        berth.berth(
            "run", "--rm", "--network=none", image, "find", "/", "-xdev", "-name", "secret-of*");
    assertFalse(run.out().contains("secret-of-the-machine"), run.out());
    run =
        berth.berth(
            "run", "--rm", "--network=none", image, "touch", host.resolve("made").toString());
    assertFalse(run.out().contains("secret-of-the-machine"), run.out());
    assertEquals(List.of("secret-of-the-machine"), List.of(host.toFile().list()));
  }

  /** A name without a value is the caller's only where the caller wrote it. */
  @Test // CVE-2026-57231
  void variablesOfAnImage_areNotTheMachines() throws Exception {
    // The second of equal members counts.
    String image =
        image("variables", ",\"Env\":[\"PATH=/bin\",\"SECRET_OF_HOST\",\"*\",\"SECRET*\"]");
    Command run =
        Command.run(
            berth.line("run", "--rm", "--network=none", image, "env"),
            new byte[0],
            Map.of("SECRET_OF_HOST", "leaked"));
    assertFalse(run.out().contains("leaked"), run.out());
    assertTrue(run.exits(0).out().contains("PATH=/bin"), run.out());
  }

  /** Labels are a container's as well, and some ask the engine for something. */
  @Test // CVE-2026-53488
  void labelsOfAnImage_askForNothing() throws Exception {
    Path made = host.resolve("made-by-label");
    String image =
        image(
            "labels",
            """
            ,"Labels":{"containerd.io/restart.loguri":"binary:///bin/touch?%1$s=",\
            "containerd.io/restart.status":"running","containerd.io/restart.policy":"always",\
            "containerd.io/restart.logpath":"%1$s","io.kubernetes.cri.log":"%1$s"}\
            """
                .formatted(made));
    berth
        .berth("run", "--network=none", "--name", "labelled", image, "sh", "-c", "exit 3")
        .exits(3);
    assertEquals(
        "exited 3\n",
        berth
            .berth("inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", "labelled")
            .exits(0)
            .out());
    assertFalse(Files.exists(made));
    berth.berth("rm", "labelled").exits(0);
  }

  /** What shares the machine's network finds no socket of the engine's there. */
  @Test // CVE-2020-15257
  void noSocketHasAnAbstractName() throws Exception {
    String image = image("abstract", "");
    berth.berth("run", "-d", "--network=none", "--name", "beside", image, "sleep", "1000").exits(0);
    String sockets =
        berth.berth("run", "--rm", "--network=host", image, "cat", "/proc/net/unix").exits(0).out();
    assertTrue(sockets.contains(berth.state().toString()), "no socket of the engine is seen");
    List<String> own =
        sockets
            .lines()
            .filter(line -> line.contains(" @"))
            .filter(line -> line.contains("berth") || line.contains(berth.dir().toString()))
            .toList();
    assertEquals(List.of(), own);
    berth.berth("rm", "-f", "beside").exits(0);
  }

  /** One container's variables are never another's, also where both are made at once. */
  @Test // CVE-2021-21334
  void variablesOfOneContainer_areNotAnothers() throws Exception {
    String image = image("both", "");
    List<Thread> threads = new ArrayList<>();
    List<String> wrong = new CopyOnWriteArrayList<>();
    for (int i = 0; i < 8; i++) {
      String own = "OWN_" + i;
      threads.add(
          Thread.ofPlatform()
              .start(() -> {
                Command run =
                    berth.berth("run", "--rm", "--network=none", "-e", own + "=1", image, "env");
                long seen = run.out().lines().filter(line -> line.startsWith("OWN_")).count();
                if (seen != 1 || !run.out().contains(own + "=1")) {
                  wrong.add(run.out() + run.err());
                }
              }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertEquals(List.of(), wrong);
  }
}
