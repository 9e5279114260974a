package io.berth.base.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.linux.CleanPages;
import io.berth.testing.Eventually;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** When a process collects its garbage for others' sake, and what that gives back. */
class IdleCollectionTest {
  private static final Duration PERIOD = Duration.ofSeconds(1);
  private static final long MEGABYTE = 1 << 20;

  /** A process as it is seen from outside. */
  private static final class Machine {
    Duration spent = Duration.ofSeconds(10);
    long used = 20 * MEGABYTE;
    int collections;
    int lettingsGo;
    final IdleCollection collection =
        new IdleCollection(
            PERIOD,
            () -> spent,
            () -> used,
            () -> {
              collections++;
              used = 6 * MEGABYTE;
            },
            () -> lettingsGo++);

    void pass(Duration work, long garbage) {
      spent = spent.plus(work);
      used += garbage;
      collection.look();
    }
  }

  @Test
  void whileItWorks_nothingIsCollected() {
    Machine machine = new Machine();
    for (int i = 0; i < 20; i++) {
      machine.pass(Duration.ofMillis(i % 2 == 0 ? 300 : 0), MEGABYTE);
    }
    assertEquals(0, machine.collections);
  }

  @Test
  void onceIdle_itCollectsOnce_andAgainWhenThereIsGarbage() {
    Machine machine = new Machine();
    machine.pass(Duration.ofMillis(300), 0);
    for (int i = 0; i < 10; i++) {
      machine.pass(Duration.ofMillis(10), 1024);
    }
    assertEquals(1, machine.collections);
    assertEquals(1, machine.lettingsGo);
    for (int i = 0; i < 3; i++) {
      machine.pass(Duration.ofMillis(10), MEGABYTE);
    }
    assertEquals(2, machine.collections);
  }

  /** With the options that the programs of an assembled build have, the kernel gets pages back. */
  @Test
  void theHeapOfAnIdleProcess_becomesSmall() throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-XX:+UseSerialGC",
            "-Xms4m",
            "-XX:NewSize=2m",
            "-XX:MaxNewSize=8m",
            "-Xmx96m",
            "-XX:MinHeapFreeRatio=5",
            "-XX:MaxHeapFreeRatio=15",
            "-XX:-ShrinkHeapInSteps",
            "-cp",
            classPath(Idler.class, IdleCollection.class, CleanPages.class, Eventually.class),
            Idler.class.getName()));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), said);
    assertTrue(said.contains("gave back"), said);
  }

  private static String classPath(Class<?>... classes) {
    return Stream.of(classes)
        .map(each -> each.getProtectionDomain().getCodeSource().getLocation().getPath())
        .distinct()
        .collect(Collectors.joining(":"));
  }

  /** Works, then is idle until its heap has become small. */
  static final class Idler {
    private Idler() {}

    static volatile Object work;

    public static void main(String[] arguments) throws InterruptedException {
      List<byte[]> all = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        all.add(new byte[(int) MEGABYTE]);
      }
      work = all;
      long most = Runtime.getRuntime().totalMemory();
      work = null;
      all = null;
      Thread.ofVirtual().start(() -> IdleCollection.run(Duration.ofMillis(100)));
      Eventually.holds("small", () -> Runtime.getRuntime().totalMemory() < most / 3);
      System.out.println("gave back");
    }
  }
}
