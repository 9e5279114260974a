package io.berth.linux.supervisor;

import static io.berth.linux.supervisor.TestContainer.get;
import static io.berth.linux.supervisor.TestContainer.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.Processes;
import io.berth.linux.SyscallException;
import io.berth.linux.supervisor.SupervisorConnection.Launched;
import io.berth.linux.supervisor.SupervisorConnection.Stream;
import io.berth.linux.supervisor.TestContainer.Told;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Clients that attach to a process's streams, against the real supervisor. */
@Tag("root")
final class AdmissionIT {
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
  void anAttachedClient_talksToTheProcess() throws Exception {
    SupervisorConnection supervisor = container.born();
    LaunchPlan plan =
        container.init(
            "read line; echo got $line",
            new Step.Sink(0, new Sink.Open()),
            new Step.Sink(1, new Sink.Open()));
    get(supervisor.create(supervisor.newRequest(), plan));
    get(supervisor.start(supervisor.newRequest()));
    byte[] token = new byte[32];
    token[5] = 17;
    get(supervisor.allowAttach("", token, Duration.ofSeconds(20)));
    Fd.Pipe in = container.keep(Fd.pipe(0));
    Fd.Pipe out = container.keep(Fd.pipe(0));
    SupervisorConnection attached = container.connect(new Told());
    SupervisorException wrong = refused(attached.helloToAttach(new byte[32]));
    assertEquals(Errno.EACCES, wrong.errno());
    SupervisorConnection right = container.connect(new Told());
    container.keep(get(right.helloToAttach(token)));
    get(
        right.attach(
            "",
            Map.of(Stream.STDIN, in.readEnd(), Stream.STDOUT, out.writeEnd()),
            Set.of(SupervisorConnection.Bond.BACK_PRESSURE),
            new byte[0]));
    in.readEnd().close();
    out.writeEnd().close();
    in.writeEnd().writeAll("hello\n".getBytes(StandardCharsets.UTF_8));
    assertEquals("got hello\n", new String(out.readEnd().readAll(100), StandardCharsets.UTF_8));
    assertEquals(0, container.told.exit().code());
  }

  /**
   * What a crowd of short programs wrote reaches the crowd of their clients, each of which waits
   * for a place as long as there is none.
   */
  @Test
  void aCrowdOfClients_isLetInAsPlacesComeFree() throws Exception { // case L20
    SupervisorConnection supervisor = container.born();
    Launched init = container.running(supervisor, "exec sleep 1000");
    Deque<SupervisorConnection> lodgers = new ArrayDeque<>();
    SupervisorException full = null;
    while (full == null) {
      byte[] token = token(lodgers.size());
      get(supervisor.allowAttach("", token, Duration.ofSeconds(60)));
      SupervisorConnection lodger = container.connect(new Told());
      try {
        container.keep(get(lodger.helloToAttach(token)));
        get(lodger.attach("", Map.of(), Set.of(), new byte[0]));
        lodgers.add(lodger);
      } catch (SupervisorException e) {
        full = e;
      }
    }
    assertEquals(Errno.EUSERS, full.errno());
    try (Fd pidfd = Processes.openPidfd(init.pid());
        ExecutorService crowd = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<String>> outputs = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        String id = "e" + i;
        byte[] token = token(1000 + i);
        String script = "echo o" + i + "; exit " + i;
        LaunchPlan plan = TestContainer.exec(id, pidfd, new Sink.Open(), script);
        get(supervisor.exec(supervisor.newRequest(), plan));
        get(supervisor.allowAttach(id, token, Duration.ofSeconds(60)));
        outputs.add(crowd.submit(() -> outputOf(id, token)));
      }
      lodgers.forEach(SupervisorConnection::close);
      for (int i = 0; i < 60; i++) {
        assertEquals(i + " o" + i + "\n", outputs.get(i).get(20, TimeUnit.SECONDS));
      }
    }
  }

  private static byte[] token(int number) {
    return ByteBuffer.allocate(32).putInt(number).array();
  }

  private String outputOf(String id, byte[] token) throws Exception {
    Told ended = new Told();
    Admission admission = new Admission(container.client, container.socket, Thread::sleep);
    try (SupervisorConnection attached = admission.enter(token, ended, Duration.ofSeconds(20));
        Fd.Pipe out = Fd.pipe(0)) {
      Set<SupervisorConnection.Bond> bonds = Set.of(SupervisorConnection.Bond.BACK_PRESSURE);
      get(attached.attach(id, Map.of(Stream.STDOUT, out.writeEnd()), bonds, new byte[0]));
      out.writeEnd().close();
      int code = ended.exit().code();
      return code + " " + new String(out.readEnd().readAll(100), StandardCharsets.UTF_8);
    }
  }

  /** Nobody waits for a place with a token that is not good, nor where no supervisor lives. */
  @Test
  void aWrongToken_isNotTakenForAFullHouse() throws Exception { // case L20
    SupervisorConnection supervisor = container.born();
    container.running(supervisor, "exec sleep 1000");
    Admission admission = new Admission(container.client, container.socket, Thread::sleep);
    SupervisorException wrong =
        assertThrows(
            SupervisorException.class,
            () -> admission.enter(token(1), new Told(), Duration.ofSeconds(20)));
    assertEquals(Errno.EACCES, wrong.errno());
    Admission nobody = new Admission(container.client, folder.resolve("none.sock"), Thread::sleep);
    SyscallException gone =
        assertThrows(
            SyscallException.class,
            () -> nobody.enter(token(1), new Told(), Duration.ofSeconds(20)));
    assertEquals(Errno.ENOENT, gone.errno());
  }

  /** The supervisor tells that a reader has gone, with the stream and the reason. */
  @Test
  void aReaderThatGoes_isTold() throws Exception { // case L19
    SupervisorConnection supervisor = container.born();
    LaunchPlan plan = container.init("while echo y; do :; done", new Step.Sink(1, new Sink.Open()));
    get(supervisor.create(supervisor.newRequest(), plan));
    get(supervisor.allowAttach("", token(1), Duration.ofSeconds(20)));
    CompletableFuture<String> broken = new CompletableFuture<>();
    Told ear =
        new Told() {
          @Override
          public void broken(Stream stream, Errno error) {
            broken.complete(stream + " " + error);
          }
        };
    SupervisorConnection attached = container.connect(ear);
    container.keep(get(attached.helloToAttach(token(1))));
    Set<SupervisorConnection.Bond> bonds =
        Set.of(SupervisorConnection.Bond.BACK_PRESSURE, SupervisorConnection.Bond.BREAKS);
    try (Fd.Pipe out = Fd.pipe(0)) {
      get(attached.attach("", Map.of(Stream.STDOUT, out.writeEnd()), bonds, new byte[0]));
      out.writeEnd().close();
      get(supervisor.start(supervisor.newRequest()));
      assertEquals(1, out.readEnd().read(new byte[1], 0, 1));
    }
    assertEquals("STDOUT EPIPE", broken.get(20, TimeUnit.SECONDS));
    assertEquals(0, container.told.exit().code(), "its loop ended with its output");
  }
}
