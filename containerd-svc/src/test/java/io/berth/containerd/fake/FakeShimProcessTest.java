package io.berth.containerd.fake;

import io.berth.base.config.Config;
import io.berth.base.error.BerthException;
import io.berth.base.error.ErrorCodec;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.StateFolders;
import io.berth.base.layout.Stdio;
import io.berth.base.layout.TaskFolder;
import io.berth.base.layout.TaskIntent;
import io.berth.base.rpc.EventLoops;
import io.berth.containerd.client.ShimProcessClient;
import io.berth.containerd.shimprocess.CgroupProcess;
import io.berth.containerd.shimprocess.ProcessReport;
import io.berth.containerd.shimprocess.ShimCalls;
import io.berth.containerd.shimprocess.ShimProcessConnection;
import io.berth.containerd.shimprocess.ShimProcessEvent;
import io.berth.testing.Eventually;
import io.berth.testing.ShimProcessContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** The stand-in for shim processes answers as they do, through the client of this service. */
final class FakeShimProcessTest extends ShimProcessContract {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  @TempDir Path folder;

  private Config config;
  private FakeShimProcesses machine;
  private EventLoops loops;
  private ShimProcessConnection process;

  private int requests;

  @BeforeEach
  void launch() throws IOException {
    config = Config.parse(null, "root = \"" + folder + "/r\"\nstate = \"" + folder + "/s\"\n");
    Files.createDirectories(new StateFolders(config.state()).shimProcess(1).path());
    machine = new FakeShimProcesses(config);
    loops = new EventLoops(1);
    var _ = machine.launch(1);
    process =
        new ShimProcessClient(loops, new StateFolders(config.state()).shimProcess(1).socket());
  }

  @AfterEach
  void end() {
    process.close();
    machine.close();
    loops.close();
  }

  private static TaskKey key(String id) {
    return new TaskKey(NAMESPACE, id);
  }

  private TaskFolder task(TaskKey key) {
    return new StateFolders(config.state()).task(key);
  }

  private static String name(Program program) {
    return switch (program) {
      case LASTING -> "sleep";
      case ENDING -> "true";
      case MISSING -> "missing";
    };
  }

  // The suite knows gRPC's failures, and this service's client its own.
  private static <T> T answer(Supplier<T> call) {
    try {
      return call.get();
    } catch (BerthException e) {
      throw ErrorCodec.toStatus(e).asRuntimeException();
    }
  }

  private static void carryOut(Runnable call) {
    var _ =
        answer(() -> {
          call.run();
          return true;
        });
  }

  private String number() {
    return "%016x".formatted(0x1000L + ++requests);
  }

  private ShimCalls shim(String id) {
    return process.shim(key(id), number(), PATIENCE);
  }

  @Override
  protected int place(String namespace, String id, Program program) throws IOException {
    TaskKey key = new TaskKey(namespace, id);
    Path bundle = task(key).path().resolve("bundle");
    Files.createDirectories(bundle);
    Files.write(
        bundle.resolve("config.json"),
        Instance.described(id, name(program)).getSpec().getValue().toByteArray());
    TaskIntent intent = TaskIntent.of(key, bundle, "", Stdio.NONE, false, List.of(), null);
    return answer(() -> process.place(task(key), intent, /* attach= */ null, number(), PATIENCE));
  }

  @Override
  protected void adopt(String id) {
    carryOut(() -> process.adopt(key(id), task(key(id)), PATIENCE));
  }

  @Override
  protected void letGo(String id) {
    carryOut(() -> process.letGo(key(id), PATIENCE));
  }

  @Override
  protected void drain() throws InterruptedException {
    process.drain();
    // The client does not wait for the answer.
    Eventually.holds("draining", () -> process.status(PATIENCE).draining());
  }

  @Override
  protected void acknowledge(String id, String execId) {
    carryOut(() -> process.acknowledge(key(id), execId, PATIENCE));
  }

  @Override
  protected List<String> ids() {
    return answer(() -> process.status(PATIENCE)).ids().stream().sorted().toList();
  }

  @Override
  protected List<String> exits() throws Exception {
    List<String> exits = new ArrayList<>();
    CompletableFuture<List<String>> caughtUp = new CompletableFuture<>();
    process.watch(
        event -> {
          switch (event) {
            case ShimProcessEvent.Exited exit ->
                exits.add(exit.key().id() + "/" + exit.execId() + " " + exit.status());
            case ShimProcessEvent.CaughtUp _ -> caughtUp.complete(List.copyOf(exits));
            case ShimProcessEvent.OutOfMemory _, ShimProcessEvent.SupervisorLost _ -> {}
          }
        },
        () -> {});
    return caughtUp.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  @Override
  protected State state(String id, String execId) {
    ProcessReport report = answer(() -> shim(id).state(execId));
    return new State(report.pid(), report.phase().name(), report.exitStatus());
  }

  @Override
  protected int start(String id, String execId, String number) {
    return answer(() -> process.shim(key(id), number, PATIENCE).start(execId));
  }

  @Override
  protected void kill(String id, String execId, int signal) {
    carryOut(() -> shim(id).kill(execId, signal, /* all= */ false));
  }

  @Override
  protected void exec(String id, String execId, Program program) {
    carryOut(() -> shim(id).exec(execId, Stdio.NONE, Instance.process(name(program))));
  }

  @Override
  protected Deleted delete(String id, String execId) {
    ShimCalls.Deleted deleted = answer(() -> shim(id).delete(execId));
    return new Deleted(deleted.pid(), deleted.exitStatus());
  }

  @Override
  protected void pause(String id) {
    carryOut(() -> shim(id).pause());
  }

  @Override
  protected void resume(String id) {
    carryOut(() -> shim(id).resume());
  }

  @Override
  protected List<Integer> pids(String id) {
    return answer(() -> shim(id).pids()).stream().map(CgroupProcess::pid).toList();
  }
}
