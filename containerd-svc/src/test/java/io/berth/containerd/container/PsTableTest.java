package io.berth.containerd.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class PsTableTest {
  @Test
  void theLinesOfTheWantedProcesses() {
    PsTable table =
        PsTable.parse(
            """
            UID          PID    PPID  CMD
            root           1       0  /sbin/init
            root          17       1  sh -c sleep 5;  echo
            root         170       1  other
            """,
            Set.of(17));
    assertEquals(List.of("UID", "PID", "PPID", "CMD"), table.titles());
    assertEquals(List.of(List.of("root", "17", "1", "sh -c sleep 5; echo")), table.rows());
  }

  @Test
  void threadsFollowTheirProcess() {
    PsTable table = PsTable.parse("PID LWP\n5 -\n- 5\n- 6\n7 -\n- 7\n", Set.of(5));
    assertEquals(List.of(List.of("5", "-"), List.of("-", "5"), List.of("-", "6")), table.rows());
  }

  @Test
  void thePsOfThisHostIsAsked() throws InterruptedException {
    int own = (int) ProcessHandle.current().pid();
    PsTable table = PsTable.of(List.of("-o", "pid,comm"), Set.of());
    assertEquals(List.of("PID", "COMMAND"), table.titles());
    assertEquals(List.of(), table.rows());
    table = PsTable.of(List.of("-eo", "pid,comm"), Set.of(own));
    assertEquals(List.of(List.of(Integer.toString(own), "java")), table.rows());
    assertTrue(PsTable.of(List.of("aux"), Set.of(own)).titles().contains("%CPU"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"-eo comm", "-eo ppid=PID", "-e -o comm=PIDX,pid", "--nope", "-q x"})
  void wrongOptionsAreRefused(String options) {
    assertThrows(
        BerthException.InvalidArgument.class,
        () -> PsTable.of(List.of(options.split(" ")), Set.of(1)));
  }

  @Test
  void optionsAreNoCommands() {
    assertThrows(
        BerthException.InvalidArgument.class,
        () -> PsTable.of(List.of("-ef; touch /tmp/x"), Set.of(1)));
  }
}
