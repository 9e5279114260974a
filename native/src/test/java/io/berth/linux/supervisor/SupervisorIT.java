package io.berth.linux.supervisor;

import static io.berth.linux.supervisor.TestContainer.get;
import static io.berth.linux.supervisor.TestContainer.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.Memfd;
import io.berth.linux.OpenFlags;
import io.berth.linux.Processes;
import io.berth.linux.Signal;
import io.berth.linux.Terminal;
import io.berth.linux.supervisor.SupervisorConnection.Hello;
import io.berth.linux.supervisor.SupervisorConnection.HookResult;
import io.berth.linux.supervisor.SupervisorConnection.Launched;
import io.berth.linux.supervisor.SupervisorConnection.Phase;
import io.berth.linux.supervisor.SupervisorConnection.State;
import io.berth.linux.supervisor.TestContainer.Told;
import io.berth.testing.Eventually;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The Java side against the real program, from the birth of a supervisor to the exit of its
 * container.
 */
@Tag("root")
final class SupervisorIT {
  @TempDir Path folder;
  private TestContainer container;

  @BeforeEach
  void makeRoot() throws Exception {
    container = new TestContainer(folder);
  }

  @AfterEach
  void end() throws Exception {
    container.close();
  }

  @Test
  void aContainer_isMadeStartedAndItsExitTold() throws Exception {
    SupervisorConnection supervisor = container.born();
    Path output = folder.resolve("output");
    Launched init;
    try (Fd file = appendTo(output)) {
      LaunchPlan plan =
          container.init(
              "hostname; echo $A; exit 3",
              new Step.Sink(1, new Sink.File(file)),
              new Step.Sink(2, new Sink.Null()));
      init = get(supervisor.create(supervisor.newRequest(), plan));
    }
    assertEquals(-1, init.stop());
    assertEquals(Phase.CREATED, get(supervisor.state()).phase());
    get(supervisor.start(supervisor.newRequest()));
    ExitRecord exit = container.told.exit();
    assertEquals(
        new ExitRecord("", init.pid(), ExitRecord.How.EXITED, 3, false, 0, exit.exitedAt()), exit);
    assertEquals("", container.told.drained.poll(20, TimeUnit.SECONDS));
    assertEquals("box\nb c\n", Files.readString(output));
    assertEquals(exit, ExitRecord.read(folder, ""));
    State state = get(supervisor.state());
    assertEquals(Phase.EXITED, state.phase());
    SupervisorConnection.ProcessState.Exit known = state.processes().getFirst().exit();
    assertNotNull(known);
    assertEquals(3, known.code());
    get(supervisor.acknowledge(""));
    assertNull(ExitRecord.read(folder, ""));
    get(supervisor.shutdown(false));
    container.told.closed.get(20, TimeUnit.SECONDS);
  }

  @Test
  void execs_signals_andRepeatedRequests() throws Exception {
    SupervisorConnection supervisor = container.born();
    Launched init = container.running(supervisor, "exec sleep 1000");
    Path output = folder.resolve("output");
    try (Fd file = appendTo(output);
        Fd pidfd = Processes.openPidfd(init.pid())) {
      LaunchPlan plan = TestContainer.exec("one", pidfd, new Sink.File(file), "echo once; pwd");
      long request = supervisor.newRequest();
      Launched first = get(supervisor.exec(request, plan));
      Launched again = get(supervisor.exec(request, plan));
      assertEquals(first.pid(), again.pid(), "the same request is not done twice");
    }
    assertEquals("one", container.told.exit().id());
    assertEquals("one", container.told.drained.poll(20, TimeUnit.SECONDS));
    assertEquals("once\n/tmp\n", Files.readString(output));
    get(supervisor.signal(supervisor.newRequest(), "", Signal.SIGKILL.number()));
    ExitRecord exit = container.told.exit();
    assertEquals(ExitRecord.How.SIGNALLED, exit.how());
    assertEquals(137, exit.shellCode());
    SupervisorException gone =
        refused(supervisor.signal(supervisor.newRequest(), "", Signal.SIGKILL.number()));
    assertEquals(Errno.ESRCH, gone.errno());
  }

  /** A failure names the step, and with it the program that was not found. */
  @Test
  void aFailedStep_isNamed() throws Exception {
    SupervisorConnection supervisor = container.born();
    List<Step> steps = new ArrayList<>(List.of(new Step.Id("")));
    steps.add(new Step.Sink(1, new Sink.Null()));
    steps.addAll(container.mounts());
    steps.add(new Step.Stdio(0, 0));
    steps.add(new Step.LookUp("no-such-program", "/bin:/usr/bin"));
    steps.add(new Step.Ready());
    steps.add(new Step.Execute(List.of("x"), List.of()));
    SupervisorException e =
        refused(supervisor.create(supervisor.newRequest(), TestContainer.plan(steps)));
    assertEquals(Errno.ENOENT, e.errno());
    assertEquals(Protocol.STEP_LOOK_UP, e.stepCode());
    assertEquals(new Step.LookUp("no-such-program", "/bin:/usr/bin"), steps.get(e.step()));
    assertTrue(e.getMessage().contains("no-such-program"), e.getMessage());
  }

  @Test
  void aNewController_takesOver_andHearsOfTheExit() throws Exception {
    SupervisorConnection first = container.born();
    container.running(first, "exit 4");
    assertEquals(4, container.told.exit().code());
    Told second = new Told();
    SupervisorConnection next = container.connect(second);
    SupervisorException stale = refused(next.hello(0));
    assertEquals(Errno.ESTALE, stale.errno());
    SupervisorConnection winner = container.connect(second);
    Hello hello = container.keep(get(winner.takeOver()));
    assertEquals(2, hello.epoch());
    assertEquals(Phase.EXITED, hello.phase());
    assertNotNull(hello.pidfd());
    assertEquals(2, container.told.deposed.poll(20, TimeUnit.SECONDS));
    container.told.closed.get(20, TimeUnit.SECONDS);
    assertFalse(first.isOpen());
    assertEquals(4, second.exit().code(), "told again");
    ExecutionException ended =
        assertThrows(ExecutionException.class, () -> first.state().get(20, TimeUnit.SECONDS));
    assertInstanceOf(PeerGone.class, ended.getCause());
  }

  @Test
  void moreDescriptorsThanOneMessageCarries_arriveInOrder() throws Exception {
    SupervisorConnection supervisor = container.born();
    List<Step> streams = new ArrayList<>();
    List<Fd> files = new ArrayList<>();
    for (int i = 0; i < 600; i++) {
      files.add(container.keep(Memfd.create("sink-" + i)));
    }
    // Only the last is written to: the index of it must be right over all messages.
    Fd last = files.getLast();
    for (Fd file : files.subList(0, 599)) {
      streams.add(new Step.OomCounter(new Handle.Open(file)));
    }
    streams.add(new Step.Sink(1, new Sink.File(last)));
    LaunchPlan plan = container.init("echo here", streams.toArray(Step[]::new));
    assertEquals(600, plan.descriptors().size());
    get(supervisor.create(supervisor.newRequest(), plan));
    get(supervisor.start(supervisor.newRequest()));
    container.told.drained.poll(20, TimeUnit.SECONDS);
    last.seek(0);
    assertEquals("here\n", new String(last.readAll(100), StandardCharsets.UTF_8));
  }

  @Test
  void aTerminal_hasTheSizeItIsGiven() throws Exception {
    SupervisorConnection supervisor = container.born();
    Path output = folder.resolve("output");
    try (Fd file = appendTo(output)) {
      List<Step> steps = new ArrayList<>(List.of(new Step.Id(""), new Step.Terminal(40, 100)));
      steps.add(new Step.Sink(1, new Sink.File(file)));
      steps.addAll(container.mounts());
      steps.add(new Step.Console(0, /* bindDevConsole= */ false));
      String untilItChanges = "while [ \"$(stty size)\" = '40 100' ]; do sleep 0.01; done";
      steps.addAll(TestContainer.program("stty size; " + untilItChanges + "; stty size"));
      get(supervisor.create(supervisor.newRequest(), TestContainer.plan(steps)));
      get(supervisor.start(supervisor.newRequest()));
      Eventually.holds("said its first size", () -> Files.size(output) > 0);
      get(supervisor.resize("", new Terminal.Size(50, 120)));
    }
    container.told.exit();
    container.told.drained.poll(20, TimeUnit.SECONDS);
    assertEquals("40 100\r\n50 120\r\n", Files.readString(output));
  }

  @Test
  void hooks_getTheirInput_andAreBounded() throws Exception {
    SupervisorConnection supervisor = container.born();
    container.running(supervisor, "exec sleep 1000");
    Hook says =
        new Hook(
            "/bin/sh",
            List.of("sh", "-c", "cat; echo \" $A\"; exit 5"),
            List.of("A=b"),
            Duration.ofSeconds(20),
            "{\"pid\":",
            "}");
    HookResult result = get(supervisor.hook(supervisor.newRequest(), says, null));
    assertEquals(5, result.code());
    assertTrue(result.output().matches("\\{\"pid\":\\d+\\} b\n"), result.output());
    Hook hangs =
        new Hook("/bin/sleep", List.of("sleep", "100"), List.of(), Duration.ofMillis(100), "", "");
    assertTrue(get(supervisor.hook(supervisor.newRequest(), hangs, null)).timedOut());
  }

  @Test
  void aBirthThatFails_saysWhy() throws Exception {
    try (Fd task = Fd.open(folder, OpenFlags.O_PATH | OpenFlags.O_DIRECTORY);
        Fd wrong = Memfd.create("no mount namespace")) {
      Supervisor.Birth birth =
          new Supervisor.Birth(
              TestContainer.PROGRAM.toString(), task, null, List.of(), wrong, "x", false);
      ExecutionException e =
          assertThrows(
              ExecutionException.class,
              () ->
                  Supervisor.spawn(container.client, birth, container.told)
                      .get(20, TimeUnit.SECONDS));
      assertTrue(e.toString().contains("berth-supervisor: cannot"), e.toString());
    }
  }

  private static Fd appendTo(Path file) throws Exception {
    Files.write(file, new byte[0], StandardOpenOption.CREATE);
    return Fd.open(file, OpenFlags.O_WRONLY | OpenFlags.O_APPEND);
  }
}
