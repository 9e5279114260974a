package io.berth.containerd.shimprocess;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import io.berth.base.id.TaskKey;
import io.berth.base.layout.StateFolders;
import io.berth.base.rpc.EventLoops;
import io.berth.containerd.client.ShimProcessClient;
import io.berth.containerd.shimprocess.ShimProcessTable.Replenishment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How many shim processes there are, for whatever is asked of them. */
class ReadyProcessesTest {
  private static final boolean SHARED = false;
  private static final boolean EXCLUSIVE = true;

  @TempDir Path folder;

  private final EventLoops loops = new EventLoops(1);

  @AfterEach
  void close() {
    loops.close();
  }

  /** A table that starts processes at once, in its own thread. */
  private final class Machine {
    final ShimProcessTable table;
    final List<ShimProcess> started = new ArrayList<>();

    Machine(int reserve, int containersPerProcess) {
      table =
          new ShimProcessTable(
              new StateFolders(folder), new ReadyProcesses(reserve, containersPerProcess));
      var _ =
          table.open(
              new ShimProcessListener() {
                @Override
                public void occurred(ShimProcess process, ShimProcessEvent.OfTask event) {}

                @Override
                public void lost(ShimProcess process, Set<TaskKey> tasks) {}
              });
      replenish();
    }

    void replenish() {
      table.startMissing(this::start);
    }

    private void start(int number) {
      ShimProcess process =
          new ShimProcess(
              number,
              new StateFolders(folder).shimProcess(number),
              new ShimProcessClient(loops, folder.resolve("none")),
              new ShimProcessConnection.Status(number, "", List.of(), true, false, ""),
              new ShimProcess.State.Free(),
              table.lock());
      started.add(process);
      table.admit(process);
    }

    ShimProcess place(String namespace, String id, boolean exclusive) {
      ShimProcess chosen = table.reserve(new TaskKey(namespace, id), exclusive, this::start);
      if (table.afterReservation(exclusive) != Replenishment.NOT_NEEDED) {
        replenish();
      }
      return chosen;
    }

    /** Those that a look so much later finds that nobody needs. */
    List<ShimProcess> superfluousAfter(Duration time) {
      ReadyProcesses ready = new ReadyProcesses(1, 250);
      table.lock().lock();
      try {
        return ready.superfluous(table.all(), System.nanoTime() + time.toNanos());
      } finally {
        table.lock().unlock();
      }
    }
  }

  @Test
  void tasksOfOneNamespace_makeDoWithOneProcess() {
    Machine machine = new Machine(1, 250);
    assertEquals(1, machine.started.size());
    ShimProcess first = machine.place("a", "c1", SHARED);
    assertSame(first, machine.place("a", "c2", SHARED));
    assertEquals(1, machine.started.size());
  }

  @Test
  void aSecondNamespace_getsOne_andFromThenOnOneIsFree() {
    Machine machine = new Machine(1, 250);
    machine.place("a", "c1", SHARED);
    machine.place("b", "c1", SHARED);
    assertEquals(3, machine.started.size());
  }

  @Test
  void whileTheOnlyOneIsFull_anotherIsFree() {
    Machine machine = new Machine(1, 2);
    machine.place("a", "c1", SHARED);
    assertEquals(1, machine.started.size());
    machine.place("a", "c2", SHARED);
    assertEquals(2, machine.started.size());
  }

  @Test
  void besideAProcessForOneTask_anotherIsFree() {
    Machine machine = new Machine(1, 250);
    machine.place("a", "c1", EXCLUSIVE);
    assertEquals(2, machine.started.size());
  }

  @Test
  void aLargerReserve_countsTheOneInUse() {
    Machine machine = new Machine(2, 250);
    assertEquals(2, machine.started.size());
    machine.place("a", "c1", SHARED);
    assertEquals(2, machine.started.size());
    machine.place("b", "c1", SHARED);
    assertEquals(4, machine.started.size());
  }

  @Test
  void onceTheSecondNamespaceIsIdle_theOnlyOneInUseStaysAlone() {
    Machine machine = new Machine(1, 250);
    ShimProcess first = machine.place("a", "c1", SHARED);
    ShimProcess second = machine.place("b", "c1", SHARED);
    second.release(new TaskKey("b", "c1"));
    assertEquals(List.of(), machine.superfluousAfter(Duration.ofMinutes(1)));
    assertEquals(
        List.of(second, machine.started.getLast()),
        machine.superfluousAfter(Duration.ofMinutes(11)));
    first.release(new TaskKey("a", "c1"));
    assertEquals(2, machine.superfluousAfter(Duration.ofMinutes(11)).size());
  }

  @Test
  void theOnlyOne_staysWithoutATask() {
    Machine machine = new Machine(1, 250);
    machine.place("a", "c1", SHARED).release(new TaskKey("a", "c1"));
    assertEquals(List.of(), machine.superfluousAfter(Duration.ofMinutes(11)));
  }
}
