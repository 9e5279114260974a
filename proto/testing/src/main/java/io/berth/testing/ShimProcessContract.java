package io.berth.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import io.grpc.Status.Code;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/**
 * What containerd-svc relies on in a shim process: {@code berth.host.v1.Host}, and {@code
 * containerd.task.v3.Task} of the tasks that it holds, with containerd's words and codes. The suite
 * runs against the real service, in the tests of shim, and against the one that stands in for it in
 * the tests of containerd-svc: where that one differs, a test there would show something that no
 * shim does.
 *
 * <p>A subclass says how a call is made. Its failures are gRPC's, in {@link Status} or in the
 * exceptions that carry one. An exec id that is empty means the init.
 */
public abstract class ShimProcessContract {
  /** The namespace of all tasks, if a test does not say another one. */
  protected static final String NAMESPACE = "contract";

  /** What a process does. */
  protected enum Program {
    /** It runs until it is killed, and any signal kills it. */
    LASTING,
    /** It ends with 0 at once. */
    ENDING,
    /** There is no such program. */
    MISSING
  }

  /** How a call went that deletes a process. */
  public record Deleted(int pid, int exitStatus) {}

  /** A process as it is answered; the state is the name that {@code Status} has for it. */
  public record State(int pid, String status, int exitStatus) {}

  /** Calls {@code Host.Place} with a specification whose init is the program; answers its pid. */
  protected abstract int place(String namespace, String id, Program program) throws Exception;

  /** Calls {@code Host.Adopt}. */
  protected abstract void adopt(String id) throws Exception;

  /** Calls {@code Host.LetGo}. */
  protected abstract void letGo(String id) throws Exception;

  /** Calls {@code Host.Drain}. */
  protected abstract void drain() throws Exception;

  /** Calls {@code Host.Acknowledge}. */
  protected abstract void acknowledge(String id, String execId) throws Exception;

  /** Calls {@code Host.Status}; answers the ids of the tasks, sorted. */
  protected abstract List<String> ids() throws Exception;

  /**
   * Calls {@code Host.Watch} anew and reads until everything unacknowledged has been repeated;
   * answers the exits as {@code ID/EXEC STATUS}, oldest first.
   */
  protected abstract List<String> exits() throws Exception;

  /** Calls {@code Task.State}. */
  protected abstract State state(String id, String execId) throws Exception;

  /** Calls {@code Task.Start} under the number of a request, 16 hex digits; answers the pid. */
  protected abstract int start(String id, String execId, String number) throws Exception;

  /** Calls {@code Task.Kill} for one process. */
  protected abstract void kill(String id, String execId, int signal) throws Exception;

  /** Calls {@code Task.Exec}. */
  protected abstract void exec(String id, String execId, Program program) throws Exception;

  /** Calls {@code Task.Delete}. */
  protected abstract Deleted delete(String id, String execId) throws Exception;

  /** Calls {@code Task.Pause}. */
  protected abstract void pause(String id) throws Exception;

  /** Calls {@code Task.Resume}. */
  protected abstract void resume(String id) throws Exception;

  /** Calls {@code Task.Pids}. */
  protected abstract List<Integer> pids(String id) throws Exception;

  private int requests;

  private int start(String id, String execId) throws Exception {
    return start(id, execId, "%016x".formatted(++requests));
  }

  private String status(String id, String execId) throws Exception {
    return state(id, execId).status();
  }

  private void running(String id) throws Exception {
    place(NAMESPACE, id, Program.LASTING);
    start(id, "");
  }

  private void awaitStopped(String id, String execId) throws Exception {
    var _ = Eventually.answers("stopped", () -> status(id, execId), "STOPPED"::equals);
  }

  private void awaitExits(String... exits) throws Exception {
    var _ = Eventually.answers("told", this::exits, List.of(exits)::equals);
  }

  private static String refused(Code code, Executable call) {
    Status status = Status.fromThrowable(assertThrows(Exception.class, call));
    assertEquals(code, status.getCode(), String.valueOf(status));
    return String.valueOf(status.getDescription());
  }

  private static void refused(Code code, String words, Executable call) {
    String description = refused(code, call);
    assertTrue(description.contains(words), description);
  }

  private static void ends(String words, String description) {
    assertTrue(description.endsWith(words), description);
  }

  @Test
  void place_makesATaskThatWaitsForItsStart() throws Exception {
    int pid = place(NAMESPACE, "c1", Program.LASTING);
    assertTrue(pid > 0);
    assertEquals(new State(pid, "CREATED", 0), state("c1", ""));
    assertEquals(List.of("c1"), ids());
    assertEquals(List.of(), exits());
    var _ = delete("c1", "");
  }

  @Test
  void place_ofAnIdThatIsTaken_isRefusedAndHarmsNothing() throws Exception {
    int pid = place(NAMESPACE, "c1", Program.LASTING);
    refused(Code.ALREADY_EXISTS, () -> place(NAMESPACE, "c1", Program.LASTING));
    assertEquals(pid, state("c1", "").pid());
    var _ = delete("c1", "");
  }

  @Test
  void place_inAnotherNamespace_isRefused() throws Exception {
    var _ = place(NAMESPACE, "c1", Program.LASTING);
    refused(Code.FAILED_PRECONDITION, () -> place("another", "c2", Program.LASTING));
    assertEquals(List.of("c1"), ids());
    var _ = delete("c1", "");
  }

  @Test
  void place_whileDraining_isRefused() throws Exception {
    var _ = place(NAMESPACE, "c1", Program.LASTING);
    drain();
    refused(Code.FAILED_PRECONDITION, () -> place(NAMESPACE, "c2", Program.LASTING));
    assertEquals("CREATED", status("c1", ""));
    var _ = delete("c1", "");
  }

  /** The text is what docker and containerd's clients show. */
  @Test
  void place_ofAMissingProgram_leavesNothing() throws Exception {
    for (int i = 0; i < 2; i++) {
      String why = refused(Code.UNKNOWN, () -> place(NAMESPACE, "c1", Program.MISSING));
      ends("exec: \"missing\": executable file not found in $PATH", why);
      assertEquals(List.of(), ids());
    }
    var _ = place(NAMESPACE, "c1", Program.LASTING);
    var _ = delete("c1", "");
  }

  @Test
  void start_letsTheInitRun_andIsRefusedTwice() throws Exception {
    int pid = place(NAMESPACE, "c1", Program.LASTING);
    assertEquals(pid, start("c1", ""));
    assertEquals(new State(pid, "RUNNING", 0), state("c1", ""));
    refused(Code.UNKNOWN, "cannot start a running process", () -> start("c1", ""));
    kill("c1", "", 9);
    awaitStopped("c1", "");
    refused(Code.UNKNOWN, "cannot start a stopped process", () -> start("c1", ""));
    var _ = delete("c1", "");
  }

  @Test
  void exit_isToldUntilItIsAcknowledged() throws Exception {
    int pid = place(NAMESPACE, "c1", Program.ENDING);
    start("c1", "");
    awaitExits("c1/ 0");
    assertEquals(List.of("c1/ 0"), exits());
    assertEquals(new State(pid, "STOPPED", 0), state("c1", ""));
    acknowledge("c1", "");
    assertEquals(List.of(), exits());
    // What is on record elsewhere can still be asked for here.
    assertEquals("STOPPED", status("c1", ""));
    assertEquals(new Deleted(pid, 0), delete("c1", ""));
  }

  @Test
  void kill_bySignal_isAnExitOf128AndTheSignal() throws Exception {
    running("c1");
    kill("c1", "", 15);
    awaitExits("c1/ 143");
    assertEquals(143, state("c1", "").exitStatus());
    refused(Code.NOT_FOUND, "process already finished", () -> kill("c1", "", 15));
    assertEquals(143, delete("c1", "").exitStatus());
  }

  @Test
  void kill_endsATaskThatWasNotStarted() throws Exception {
    var _ = place(NAMESPACE, "c1", Program.LASTING);
    kill("c1", "", 9);
    awaitExits("c1/ 137");
    assertEquals(137, delete("c1", "").exitStatus());
  }

  @Test
  void delete_isRefusedWhileItRuns_andForgetsTheTask() throws Exception {
    running("c1");
    refused(Code.UNKNOWN, "cannot delete a running process", () -> delete("c1", ""));
    assertEquals("RUNNING", status("c1", ""));
    kill("c1", "", 9);
    awaitStopped("c1", "");
    var _ = delete("c1", "");
    Eventually.holds("without the task", () -> ids().isEmpty());
    assertEquals(List.of(), exits());
    // Its name is free for another one, which knows nothing of it.
    var _ = place(NAMESPACE, "c1", Program.LASTING);
    assertEquals("CREATED", status("c1", ""));
    var _ = delete("c1", "");
  }

  @Test
  void exec_livesBesideTheInit() throws Exception {
    running("c1");
    exec("c1", "e1", Program.ENDING);
    assertEquals(new State(0, "CREATED", 0), state("c1", "e1"));
    refused(Code.ALREADY_EXISTS, () -> exec("c1", "e1", Program.ENDING));
    refused(Code.FAILED_PRECONDITION, "process not created", () -> kill("c1", "e1", 15));
    int pid = start("c1", "e1");
    assertTrue(pid > 0);
    awaitExits("c1/e1 0");
    refused(Code.NOT_FOUND, "process already finished", () -> kill("c1", "e1", 15));
    assertEquals("RUNNING", status("c1", ""));
    assertEquals(new Deleted(pid, 0), delete("c1", "e1"));
    refused(Code.NOT_FOUND, () -> state("c1", "e1"));
    refused(Code.NOT_FOUND, () -> delete("c1", "e1"));
    refused(Code.NOT_FOUND, () -> kill("c1", "e1", 9));
    assertEquals(List.of(), exits());
    // Its id is free again.
    exec("c1", "e1", Program.LASTING);
    start("c1", "e1");
    assertTrue(
        pids("c1").containsAll(List.of(state("c1", "").pid(), state("c1", "e1").pid())),
        () -> "the init and the exec are missing among the processes");
    refused(Code.UNKNOWN, "cannot delete a running process", () -> delete("c1", "e1"));
    kill("c1", "e1", 9);
    awaitStopped("c1", "e1");
    assertEquals(137, delete("c1", "e1").exitStatus());
    kill("c1", "", 9);
    awaitStopped("c1", "");
    var _ = delete("c1", "");
  }

  /** The pid namespace dies with its init: pid_namespaces(7). */
  @Test
  void exec_endsWithTheInit_andNoneIsAddedAfterwards() throws Exception {
    running("c1");
    exec("c1", "e1", Program.LASTING);
    start("c1", "e1");
    exec("c1", "late", Program.LASTING);
    kill("c1", "", 9);
    awaitStopped("c1", "");
    awaitStopped("c1", "e1");
    assertEquals(137, state("c1", "e1").exitStatus());
    refused(Code.FAILED_PRECONDITION, () -> start("c1", "late"));
    refused(Code.UNKNOWN, "cannot exec in a stopped state", () -> exec("c1", "e2", Program.ENDING));
    var _ = delete("c1", "");
  }

  @Test
  void pause_andResume_areForTheRightState() throws Exception {
    var _ = place(NAMESPACE, "c1", Program.LASTING);
    refused(Code.UNKNOWN, "cannot pause a created container", () -> pause("c1"));
    start("c1", "");
    refused(Code.UNKNOWN, "cannot resume a running container", () -> resume("c1"));
    pause("c1");
    assertEquals("PAUSED", status("c1", ""));
    refused(Code.UNKNOWN, "cannot pause a paused container", () -> pause("c1"));
    refused(Code.UNKNOWN, "cannot exec in a paused state", () -> exec("c1", "e", Program.ENDING));
    refused(Code.UNKNOWN, "cannot delete a paused process", () -> delete("c1", ""));
    resume("c1");
    assertEquals("RUNNING", status("c1", ""));
    kill("c1", "", 9);
    awaitStopped("c1", "");
    var _ = delete("c1", "");
  }

  /** A process that hosts shims may die at any time: whoever takes the task over finds it so. */
  @Test
  void adopt_findsTheTaskAsItWas() throws Exception {
    int pid = place(NAMESPACE, "c1", Program.LASTING);
    refused(Code.ALREADY_EXISTS, () -> adopt("c1"));
    letGo("c1");
    assertEquals(List.of(), ids());
    adopt("c1");
    assertEquals(List.of("c1"), ids());
    assertEquals(new State(pid, "CREATED", 0), state("c1", ""));
    start("c1", "");
    exec("c1", "e1", Program.LASTING);
    letGo("c1");
    adopt("c1");
    assertEquals(new State(pid, "RUNNING", 0), state("c1", ""));
    assertEquals(new State(0, "CREATED", 0), state("c1", "e1"));
    kill("c1", "", 9);
    awaitExits("c1/ 137");
    letGo("c1");
    adopt("c1");
    assertEquals(new State(pid, "STOPPED", 137), state("c1", ""));
    assertEquals(List.of("c1/ 137"), exits());
    var _ = delete("c1", "");
  }

  @Test
  void adopt_ofNothing_isNotFound() throws Exception {
    refused(Code.NOT_FOUND, () -> adopt("nobody"));
    assertEquals(List.of(), ids());
  }

  /** Whoever sees a process die repeats the call, under its number, to the one that comes next. */
  @Test
  void start_thatIsRepeatedUnderItsNumber_isDoneOnce() throws Exception {
    int pid = place(NAMESPACE, "c1", Program.LASTING);
    String number = "%016x".formatted(0xabcdefL);
    assertEquals(pid, start("c1", "", number));
    letGo("c1");
    adopt("c1");
    assertEquals(pid, start("c1", "", number));
    assertEquals("RUNNING", status("c1", ""));
    refused(Code.UNKNOWN, "cannot start a running process", () -> start("c1", ""));
    // The program may have ended when the call comes again.
    kill("c1", "", 9);
    awaitStopped("c1", "");
    assertEquals(pid, start("c1", "", number));
    refused(Code.UNKNOWN, "cannot start a stopped process", () -> start("c1", ""));
    var _ = delete("c1", "");
  }

  /** The same for another process than the first. */
  @Test // case S12
  void start_ofAnExecThatIsRepeatedUnderItsNumber_isDoneOnce() throws Exception {
    running("c1");
    exec("c1", "e1", Program.LASTING);
    String number = "%016x".formatted(0xfedcbaL);
    int pid = start("c1", "e1", number);
    letGo("c1");
    adopt("c1");
    assertEquals(pid, start("c1", "e1", number));
    assertEquals(new State(pid, "RUNNING", 0), state("c1", "e1"));
    refused(Code.UNKNOWN, "cannot start a running process", () -> start("c1", "e1"));
    kill("c1", "e1", 9);
    awaitStopped("c1", "e1");
    assertEquals(pid, start("c1", "e1", number));
    refused(Code.UNKNOWN, "cannot start a stopped process", () -> start("c1", "e1"));
    kill("c1", "", 9);
    awaitStopped("c1", "");
    var _ = delete("c1", "e1");
    var _ = delete("c1", "");
  }
}
