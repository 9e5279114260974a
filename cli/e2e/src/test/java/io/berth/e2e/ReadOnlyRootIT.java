package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.testing.Eventually;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * The file system under the services' root takes no more writes: because the kernel found it
 * damaged, because somebody mounted it so, or from the start. Whoever wants to change something
 * hears why not, what runs runs on, and nothing is lost.
 */
@Tag("root")
final class ReadOnlyRootIT {
  @RegisterExtension static final BerthInstance berth = BerthInstance.asleep();

  private static final String IMAGE = "busybox:test";
  private static final String WORD = "ead-only file system";
  private static final String CODE = "{{.State.Status}} {{.State.ExitCode}}";
  private static Path archive = Path.of("/");

  @SuppressWarnings("NullAway.Init")
  private static LoopDisk disk;

  @BeforeAll
  static void load() throws Exception {
    disk = new LoopDisk(berth.dir().resolve("disk"), berth.root(), "128M");
    disk.mount();
    berth.startMissing();
    archive = BusyboxImage.archive(berth.folder("image"));
    berth.berth("load", "-i", archive.toString()).exits(0);
    berth.words("run --rm --network none " + IMAGE + " true").exits(0);
  }

  private static void changesAreRefused(String stopped) throws Exception {
    berth.words("run --rm --network none " + IMAGE + " true").failsInOneLine(WORD);
    berth.words("create --network none " + IMAGE + " true").failsInOneLine(WORD);
    berth.words("start " + stopped).failsInOneLine(WORD);
    berth.words("rm " + stopped).failsInOneLine(WORD);
    berth.words("rename " + stopped + " other").failsInOneLine(WORD);
    berth.words("commit " + stopped + " other:test").failsInOneLine(WORD);
    berth.words("tag " + IMAGE + " other:test").failsInOneLine(WORD);
    berth.words("volume create new").failsInOneLine(WORD);
    berth.words("volume rm kept").failsInOneLine(WORD);
    berth.words("network create new").failsInOneLine(WORD);
    berth.berth("load", "-i", archive.toString()).failsInOneLine(WORD);
    try (LocalRegistry registry =
        new LocalRegistry(Files.createTempDirectory(berth.folder("registry"), "r"))) {
      registry.put("small", "1", OciImage.of(List.of(new BusyboxImage.Tar().bytes())));
      berth.berth("pull", "-q", "--plain-http", registry.ref("small:1")).failsInOneLine(WORD);
    }
  }

  private static void whatRunsCanBeUsed(String running) {
    berth.words("ps").exits(0).says(running);
    berth.words("images").exits(0).says("busybox");
    berth.words("exec " + running + " echo inside").exits(0).says("inside");
    berth.words("logs " + running).exits(0).says("early");
    berth.words("inspect -f {{.State.Running}} " + running).exits(0).says("true");
    berth.words("top " + running).exits(0);
    berth.words("stats --no-stream " + running).exits(0);
  }

  @Test
  void aDamagedFileSystemIsTold_andAfterItsRepairAllIsThere() throws Exception {
    List<String> before = berth.recorded();
    berth.runUntilTold("held", "--restart=no");
    berth.runUntilTold("ends", "--restart=no");
    berth.runUntilTold("stops", "--restart=no");
    berth.words("create --name stopped --network none " + IMAGE + " true").exits(0);
    berth.words("volume create kept").exits(0);
    List<Long> services = BerthInstance.SERVICES.stream().map(berth::pid).toList();

    // What no disk had before is lost as in a power cut: there is no log whose bytes are synced.
    Command.run("sync", "-f", berth.root().toString()).exits(0);
    disk.damage();
    changesAreRefused("stopped");
    whatRunsCanBeUsed("held");
    CompletableFuture<Command> waits =
        CompletableFuture.supplyAsync(() -> berth.words("wait ends"), Command.READERS);
    berth.words("kill -s TERM ends").exits(0);
    waits.get(60, TimeUnit.SECONDS).exits(0).says("7");
    berth.words("stop stops").exits(0);
    berth.words("inspect -f " + "{{.State.Status}} stops").exits(0).says("exited");
    assertEquals(services, BerthInstance.SERVICES.stream().map(berth::pid).toList());
    for (String service : BerthInstance.SERVICES) {
      assertTrue(berth.process(service).isAlive(), service + " lives on");
    }

    for (String service : BerthInstance.SERVICES) {
      berth.kill(service);
    }
    disk.repair();
    disk.mount();
    berth.startMissing();
    whatRunsCanBeUsed("held");
    berth.eventuallySays("exited 7", "inspect", "-f", CODE, "ends");
    berth.eventuallySays("exited 7", "inspect", "-f", CODE, "stops");
    berth.words("start stopped").exits(0);
    berth.words("wait stopped").exits(0).says("0");
    berth.words("rm -f held ends stops stopped").exits(0);
    berth.words("volume rm kept").exits(0);
    Eventually.answers("nothing is left: " + before, berth::recorded, before::equals);
    berth.words("run --rm --network none " + IMAGE + " true").exits(0);
  }

  @Test
  void servicesThatStartOnAReadOnlyRootSayWhyTheyEnd() throws Exception {
    berth.words("create --name stopped --network none " + IMAGE + " true").exits(0);
    for (String service : BerthInstance.SERVICES) {
      berth.kill(service);
    }
    // Files that are open for writing keep a file system from becoming read-only.
    berth.killShimProcesses();
    String root = berth.root().toString();
    Eventually.holds("read-only", () -> Command.run("mount", "-o", "remount,ro", root).exit() == 0);
    for (String service : BerthInstance.SERVICES) {
      Command ended =
          Command.run(
              berth.libexec().resolve("bin/berth-" + service).toString(),
              "--config",
              berth.config().toString());
      assertFalse(ended.exit() == 0, ended::toString);
      String last = ended.err().strip().lines().toList().getLast();
      assertTrue(last.startsWith("berth-" + service + ": start: " + root), last);
      assertTrue(last.contains(WORD), last);
    }
    Command.run("mount", "-o", "remount,rw", root).exits(0);
    berth.startMissing();
    berth.words("start -a stopped").exits(0);
    berth.words("rm stopped").exits(0);
    berth.words("run --rm --network none " + IMAGE + " true").exits(0);
  }

  /** As after a mount over the root: files that are open can be written, no other ones. */
  @Test
  void whereNoFileCanBeMade_thatIsTold_andOnceItCanAllGoesOn() throws Exception {
    List<String> before = berth.recorded();
    berth.runUntilTold("held", "--restart=no");
    berth.words("create --name stopped --network none " + IMAGE + " true").exits(0);
    String root = berth.root().toString();
    Command.run("mount", "--bind", root, root).exits(0);
    Command.run("mount", "-o", "remount,bind,ro", root).exits(0);
    try {
      berth.words("run --rm --network none " + IMAGE + " true").failsInOneLine(WORD);
      berth.words("start stopped").failsInOneLine(WORD);
      berth.words("volume create new").failsInOneLine(WORD);
      berth.berth("load", "-i", archive.toString()).failsInOneLine(WORD);
      whatRunsCanBeUsed("held");
    } finally {
      Command.run("umount", root).exits(0);
    }
    berth.words("start stopped").exits(0);
    berth.words("rm -f held stopped").exits(0);
    Eventually.answers("nothing is left: " + before, berth::recorded, before::equals);
    berth.words("run --rm --network none " + IMAGE + " true").exits(0);
  }
}
