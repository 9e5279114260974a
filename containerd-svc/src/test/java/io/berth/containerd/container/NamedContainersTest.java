package io.berth.containerd.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Empty;
import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.CreateRequest;
import io.berth.api.berth.container.v1.CreateResponse;
import io.berth.api.berth.container.v1.ExecCreateRequest;
import io.berth.api.berth.container.v1.ExecInspectRequest;
import io.berth.api.berth.container.v1.ExecInspectResponse;
import io.berth.api.berth.container.v1.ExecStartRequest;
import io.berth.api.berth.container.v1.ExecWaitRequest;
import io.berth.api.berth.container.v1.GetRequest;
import io.berth.api.berth.container.v1.HostConfig;
import io.berth.api.berth.container.v1.KillRequest;
import io.berth.api.berth.container.v1.ListRequest;
import io.berth.api.berth.container.v1.LogsRequest;
import io.berth.api.berth.container.v1.NetworkConfig;
import io.berth.api.berth.container.v1.PauseRequest;
import io.berth.api.berth.container.v1.PruneRequest;
import io.berth.api.berth.container.v1.RemoveRequest;
import io.berth.api.berth.container.v1.RenameRequest;
import io.berth.api.berth.container.v1.Resources;
import io.berth.api.berth.container.v1.RestartPolicy;
import io.berth.api.berth.container.v1.StartRequest;
import io.berth.api.berth.container.v1.StartResponse;
import io.berth.api.berth.container.v1.State;
import io.berth.api.berth.container.v1.StopRequest;
import io.berth.api.berth.container.v1.UnpauseRequest;
import io.berth.api.berth.container.v1.UpdateRequest;
import io.berth.api.berth.container.v1.WaitRequest;
import io.berth.api.containerd.services.containers.v1.GetContainerRequest;
import io.berth.api.containerd.services.tasks.v1.CreateTaskRequest;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.RootFolders;
import io.berth.base.layout.StateFolders;
import io.berth.base.rpc.UnixChannel;
import io.berth.containerd.fake.Instance;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Containers on the host's network with a root of their own: no other service is needed. */
class NamedContainersTest {
  @TempDir Path folder;
  private Instance instance;

  @BeforeEach
  void start() throws IOException {
    instance = new Instance(folder);
  }

  @AfterEach
  void stop() {
    instance.close();
  }

  private ContainersGrpc.ContainersBlockingStub stub() {
    return UnixChannel.in(
            ContainersGrpc.newBlockingStub(instance.channel()), Instance.NAMESPACE, null)
        .withDeadlineAfter(20, TimeUnit.SECONDS)
        .withWaitForReady();
  }

  private CreateRequest.Builder request(String name, String program) {
    return CreateRequest.newBuilder()
        .setName(name)
        .setRootfs(folder.toString())
        .setConfig(Config.newBuilder().addCmd(program))
        .setNetwork(NetworkConfig.newBuilder().setMode("host"));
  }

  private String create(String name, String program) {
    return stub().create(request(name, program).build()).getId();
  }

  private StartResponse begin(String ref) {
    return stub().start(StartRequest.newBuilder().setRef(ref).build());
  }

  private Container get(String ref) {
    return stub().get(GetRequest.newBuilder().setRef(ref).build());
  }

  private State state(String ref) {
    return get(ref).getState().getState();
  }

  private int await(String ref, String condition) {
    return stub()
        .wait(WaitRequest.newBuilder().setRef(ref).setCondition(condition).build())
        .getStatus();
  }

  private List<String> names(boolean all, String... filters) {
    return stub()
        .list(ListRequest.newBuilder().setAll(all).addAllFilters(List.of(filters)).build())
        .getContainersList()
        .stream()
        .map(Container::getName)
        .toList();
  }

  private void remove(String ref, boolean force) {
    var _ = stub().remove(RemoveRequest.newBuilder().setRef(ref).setForce(force).build());
  }

  private static StatusRuntimeException refused(Code code, Executable call) {
    StatusRuntimeException e = assertThrows(StatusRuntimeException.class, call);
    assertEquals(code, e.getStatus().getCode(), e.getMessage());
    return e;
  }

  private void until(String ref, State wanted) throws InterruptedException {
    for (int i = 0; i < 200 && state(ref) != wanted; i++) {
      Thread.sleep(20);
    }
    assertEquals(wanted, state(ref));
  }

  // Rows D01-02, D01-06, D01-17, D01-104, MD-46.
  @Test
  void life_fromCreateToRemove() {
    String id = create("web", "sleep");
    assertEquals(64, id.length());
    assertEquals(State.STATE_CREATED, state("web"));
    // CD-02: no task, and so no shim, before the start.
    assertFalse(instance.hosts.hasSupervisor(Instance.key(id)));
    assertTrue(begin("web").getPid() > 0);
    assertEquals(State.STATE_RUNNING, state(id.substring(0, 6)));
    assertTrue(begin("web").getAlready());
    // D01-14, MB-19: in docker's words.
    assertTrue(
        refused(Code.FAILED_PRECONDITION, () -> remove("web", false))
            .getMessage()
            .contains("You cannot remove a running container " + id));
    assertFalse(
        stub().stop(StopRequest.newBuilder().setRef("web").setTimeout(5).build()).getAlready());
    Container stopped = get("web");
    assertEquals(State.STATE_EXITED, stopped.getState().getState());
    assertEquals(143, stopped.getState().getExitCode());
    assertTrue(stub().stop(StopRequest.newBuilder().setRef("web").build()).getAlready());
    // DN-24: it can be started again.
    begin("web");
    remove("web", true);
    refused(Code.NOT_FOUND, () -> get("web"));
    assertFalse(Files.exists(new RootFolders(instance.config.root()).container(Instance.key(id))));
    assertFalse(instance.hosts.hasSupervisor(Instance.key(id)));
  }

  // MB-118, MB-120, MB-123, MB-124
  // Rows MB-16, MB-133.
  @Test
  void names_areMadeOrChecked_andUnique() {
    CreateResponse made = stub().create(request("", "sleep").build());
    assertTrue(made.getName().matches("[a-z]+_[a-z]+[0-9]?"), made.getName());
    String first = create("taken", "sleep");
    StatusRuntimeException e = refused(Code.ALREADY_EXISTS, () -> create("taken", "sleep"));
    assertTrue(e.getMessage().contains(first), e.getMessage());
    refused(Code.INVALID_ARGUMENT, () -> create("a", "sleep"));
    refused(Code.INVALID_ARGUMENT, () -> create("a b", "sleep"));
    RenameRequest rename = RenameRequest.newBuilder().setRef(made.getId()).setName("taken").build();
    refused(Code.ALREADY_EXISTS, () -> stub().rename(rename));
    var _ = stub().rename(rename.toBuilder().setName("renamed").build());
    assertEquals("renamed", get(made.getId()).getName());
    assertEquals(List.of("taken", "renamed"), names(true));
  }

  // DN-25, MB-129
  @Test
  void sameName_byManyClients_oneWins() {
    List<CompletableFuture<Code>> answers = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      CompletableFuture<Code> answer = new CompletableFuture<>();
      answers.add(answer);
      Thread.ofVirtual()
          .start(() -> {
            try {
              create("same", "sleep");
              answer.complete(Code.OK);
            } catch (StatusRuntimeException e) {
              answer.complete(e.getStatus().getCode());
            }
          });
    }
    List<Code> codes = answers.stream().map(CompletableFuture::join).toList();
    assertEquals(1, codes.stream().filter(Code.OK::equals).count());
    assertEquals(19, codes.stream().filter(Code.ALREADY_EXISTS::equals).count());
    assertEquals(1, names(true).size());
  }

  // MB-125: the exact name of one counts more than the beginning of another's id.
  @Test
  void reference_isIdThenNameThenPrefix() {
    String a = "a".repeat(64);
    String b = "aab" + "b".repeat(61);
    var _ = stub().create(request("first", "sleep").setId(a).build());
    var _ = stub().create(request("aab", "sleep").setId("c".repeat(64)).build());
    var _ = stub().create(request("third", "sleep").setId(b).build());
    assertEquals("first", get(a).getName());
    assertEquals("aab", get("aab").getName());
    assertEquals("third", get("aabb").getName());
    refused(Code.INVALID_ARGUMENT, () -> get("aa"));
    refused(Code.NOT_FOUND, () -> get("zz"));
  }

  // CD-12
  // Row MB-169.
  @Test
  void missingProgram_isRememberedAs127() {
    create("bad", "missing");
    StatusRuntimeException e = refused(Code.UNKNOWN, () -> begin("bad"));
    assertTrue(e.getMessage().contains("executable file not found"));
    assertEquals(127, get("bad").getState().getExitCode());
    assertEquals(State.STATE_CREATED, get("bad").getState().getState());
    assertTrue(get("bad").getState().getError().contains("executable file not found"));
    remove("bad", false);
  }

  @Test
  void attach_isAllowedBeforeTheFirstInstruction() {
    String id = create("web", "sleep");
    StartResponse created =
        stub().start(StartRequest.newBuilder().setRef("web").setAttach(true).build());
    assertEquals(32, created.getAttach().getToken().size());
    assertTrue(created.getAttach().getSocket().endsWith("/sup.sock"));
    TaskKey key = Instance.key(id);
    assertEquals(List.of("attach:"), instance.hosts.supervisor(key).done());
    var _ = stub().start(StartRequest.newBuilder().setRef("web").setRelease(true).build());
    assertEquals(List.of("attach:", "start:"), instance.hosts.supervisor(key).done());
    refused(
        Code.FAILED_PRECONDITION,
        () -> stub().start(StartRequest.newBuilder().setRef("web").setRelease(true).build()));
  }

  // MB-64: without any client's help.
  // Rows MB-23, MD-12.
  @Test
  void autoRemove_goesByItself() throws InterruptedException {
    String id =
        stub()
            .create(
                request("brief", "sleep")
                    .setHost(HostConfig.newBuilder().setAutoRemove(true))
                    .build())
            .getId();
    begin("brief");
    CompletableFuture<Integer> removed = new CompletableFuture<>();
    Thread.ofVirtual().start(() -> removed.complete(await("brief", "removed")));
    Thread.sleep(200);
    assertFalse(removed.isDone());
    instance.hosts.exit(Instance.key(id), "", 3);
    assertEquals(3, removed.join());
    refused(Code.NOT_FOUND, () -> get(id));
  }

  // MB-63
  @Test
  void onFailure_isTriedAgainSoOften() throws InterruptedException {
    String id =
        stub()
            .create(
                request("again", "sleep")
                    .setHost(
                        HostConfig.newBuilder()
                            .setRestart(
                                RestartPolicy.newBuilder()
                                    .setName("on-failure")
                                    .setMaximumRetries(2)))
                    .build())
            .getId();
    begin("again");
    for (int run = 0; run < 3; run++) {
      for (int i = 0; i < 200 && state(id) != State.STATE_RUNNING; i++) {
        Thread.sleep(20);
      }
      instance.hosts.exit(Instance.key(id), "", 1);
      Thread.sleep(20);
    }
    until("again", State.STATE_EXITED);
    Thread.sleep(500);
    assertEquals(State.STATE_EXITED, state(id));
    assertEquals(2, get(id).getRestartCount());
  }

  @Test
  void always_isStartedAgain_unlessAPersonStoppedIt() throws InterruptedException {
    String id =
        stub()
            .create(
                request("ever", "sleep")
                    .setHost(
                        HostConfig.newBuilder()
                            .setRestart(RestartPolicy.newBuilder().setName("always")))
                    .build())
            .getId();
    begin("ever");
    int first = get(id).getState().getPid();
    instance.hosts.exit(Instance.key(id), "", 0);
    for (int i = 0; i < 200 && !runsAnew(id, first); i++) {
      Thread.sleep(20);
    }
    assertTrue(runsAnew(id, first), "it was not started again");
    var _ = stub().stop(StopRequest.newBuilder().setRef("ever").setTimeout(2).build());
    Thread.sleep(400);
    assertEquals(State.STATE_EXITED, state(id));
  }

  // With another pid than before.
  private boolean runsAnew(String id, int before) {
    Container seen = get(id);
    return seen.getState().getState() == State.STATE_RUNNING && seen.getState().getPid() != before;
  }

  // DN-21: a saved "running" is a claim to be checked; policies are kept at the next start.
  // Rows DC-12, MD-44.
  @Test
  void afterAnotherBoot_claimsAreCheckedAndPoliciesKept() throws Exception {
    create("plain", "sleep");
    var _ =
        stub()
            .create(
                request("keeps", "sleep")
                    .setHost(
                        HostConfig.newBuilder()
                            .setRestart(RestartPolicy.newBuilder().setName("unless-stopped")))
                    .build());
    begin("plain");
    begin("keeps");
    instance.stop();
    List.copyOf(instance.hosts.living()).forEach(instance.hosts::kill);
    Files.writeString(new StateFolders(instance.config.state()).boot(), "another\n");
    instance.hosts.forgetSupervisors();
    instance.start();
    until("plain", State.STATE_EXITED);
    assertEquals(255, get("plain").getState().getExitCode());
    until("keeps", State.STATE_RUNNING);
  }

  // Rows MB-134, D01-97.
  @Test
  void serviceRestart_keepsRunningContainersAndNames() throws Exception {
    String id = create("web", "sleep");
    begin("web");
    instance.stop();
    // Whoever asks before the shims have told is not given a guess.
    instance.hosts.beforeStateAnswer = () -> LockSupport.parkNanos(300_000_000);
    instance.start();
    assertEquals(State.STATE_RUNNING, state("web"));
    instance.hosts.exit(Instance.key(id), "", 7);
    assertEquals(7, await("web", ""));
    until("web", State.STATE_EXITED);
  }

  // Rows D01-25, MB-29, MB-54.
  @Test
  void list_showsRunningOnes_andFilters() {
    create("one", "sleep");
    create("two", "sleep");
    var _ =
        stub()
            .create(
                request("three", "sleep")
                    .setConfig(Config.newBuilder().addCmd("sleep").putLabels("tier", "db"))
                    .build());
    begin("two");
    assertEquals(List.of("two"), names(false));
    assertEquals(List.of("three", "two", "one"), names(true));
    assertEquals(List.of("three"), names(true, "label=tier=db"));
    assertEquals(List.of("three", "two"), names(true, "name=t"));
    assertEquals(List.of("two"), names(true, "status=running"));
    assertEquals(List.of("one"), names(true, "before=two"));
    assertEquals(List.of("three"), names(true, "since=two"));
    refused(Code.INVALID_ARGUMENT, () -> names(true, "colour=red"));
    refused(Code.INVALID_ARGUMENT, () -> names(true, "name"));
  }

  // Rows D01-05, MB-21.
  @Test
  void stop_ofAStubbornProgram_endsItAfterTheTimeout() {
    String id = create("deaf", "stubborn");
    begin("deaf");
    var _ = stub().stop(StopRequest.newBuilder().setRef("deaf").setTimeout(1).build());
    assertEquals(137, get(id).getState().getExitCode());
  }

  // D01-07, MB-21: what cannot be asked to end is not waited for.
  @Test
  void stop_whoseSignalCannotBeDelivered_killsAtOnce() {
    String id = create("lost", "sleep");
    begin("lost");
    instance.hosts.undeliverable = signal -> signal == 15;
    long before = System.nanoTime();
    var _ = stub().stop(StopRequest.newBuilder().setRef("lost").setTimeout(10).build());
    assertTrue(System.nanoTime() - before < TimeUnit.SECONDS.toNanos(5), "it waited");
    assertEquals(137, get(id).getState().getExitCode());
  }

  // D01-09, MB-13: a kill is over when the process is; a frozen one takes the signal, too.
  @Test
  void kill_waitsForTheEnd_andReachesAPausedOne() {
    create("frozen", "sleep");
    begin("frozen");
    var _ = stub().pause(PauseRequest.newBuilder().setRef("frozen").build());
    var _ = stub().kill(KillRequest.newBuilder().setRef("frozen").build());
    assertEquals(State.STATE_EXITED, state("frozen"));
    assertEquals(137, get("frozen").getState().getExitCode());
  }

  // MB-20
  @Test
  void start_ofAPausedContainer_namesTheWayOut() {
    create("frozen", "sleep");
    begin("frozen");
    var _ = stub().pause(PauseRequest.newBuilder().setRef("frozen").build());
    assertTrue(
        refused(Code.FAILED_PRECONDITION, () -> begin("frozen"))
            .getMessage()
            .contains("try unpause instead"));
  }

  // MB-16
  @Test
  void rename_toTheSameName_isAnError() {
    create("same", "sleep");
    refused(
        Code.INVALID_ARGUMENT,
        () -> stub().rename(RenameRequest.newBuilder().setRef("same").setName("same").build()));
    assertEquals(List.of("same"), names(true));
  }

  // Rows MB-13, MB-14, MB-15.
  @Test
  void killAndPause_needARunningContainer() {
    create("web", "sleep");
    KillRequest kill = KillRequest.newBuilder().setRef("web").build();
    refused(Code.FAILED_PRECONDITION, () -> stub().kill(kill));
    PauseRequest pause = PauseRequest.newBuilder().setRef("web").build();
    refused(Code.FAILED_PRECONDITION, () -> stub().pause(pause));
    begin("web");
    var _ = stub().pause(pause);
    assertEquals(State.STATE_PAUSED, state("web"));
    refused(Code.FAILED_PRECONDITION, () -> stub().pause(pause));
    var _ = stub().unpause(UnpauseRequest.newBuilder().setRef("web").build());
    refused(Code.INVALID_ARGUMENT, () -> stub().kill(kill.toBuilder().setSignal("NOSUCH").build()));
    var _ = stub().kill(kill);
    assertEquals(137, await("web", ""));
  }

  // Row MB-02.
  @Test
  void exec_runsAndIsWaitedFor() {
    create("web", "sleep");
    ExecCreateRequest exec =
        ExecCreateRequest.newBuilder().setRef("web").addCmd("true").setAttachStdout(true).build();
    refused(Code.FAILED_PRECONDITION, () -> stub().execCreate(exec));
    begin("web");
    String execId = stub().execCreate(exec).getExecId();
    assertEquals(
        32,
        stub()
            .execStart(ExecStartRequest.newBuilder().setRef("web").setExecId(execId).build())
            .getAttach()
            .getToken()
            .size());
    assertEquals(
        0,
        stub()
            .execWait(ExecWaitRequest.newBuilder().setRef("web").setExecId(execId).build())
            .getStatus());
  }

  // It may have ended its whole container before anybody could attach.
  @Test
  void exec_thatEndsItsContainerAtOnce_isStillAnsweredWithItsCode() {
    TaskKey key = Instance.key(create("web", "sleep"));
    begin("web");
    ExecCreateRequest exec =
        ExecCreateRequest.newBuilder().setRef("web").addCmd("sleep").setAttachStdout(true).build();
    String execId = stub().execCreate(exec).getExecId();
    instance.hosts.beforeStartAnswer =
        () -> {
          instance.hosts.exit(key, execId, 5);
          instance.hosts.exit(key, "", 143);
          long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
          while (instance.hosts.hasSupervisor(key) && System.nanoTime() < deadline) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
          }
        };
    assertFalse(
        stub()
            .execStart(ExecStartRequest.newBuilder().setRef("web").setExecId(execId).build())
            .hasAttach());
    assertEquals(
        5,
        stub()
            .execWait(ExecWaitRequest.newBuilder().setRef("web").setExecId(execId).build())
            .getStatus());
    ExecInspectResponse ended =
        stub().execInspect(ExecInspectRequest.newBuilder().setExecId(execId).build());
    assertEquals(5, ended.getExitCode());
    assertEquals(List.of("sleep"), ended.getCmdList());
  }

  @Test
  void logs_ofAFinishedContainer_areRead() throws IOException {
    String id = create("web", "true");
    begin("web");
    await("web", "");
    Files.writeString(
        new RootFolders(instance.config.root()).container(Instance.key(id)).resolve("log"),
        "2026-01-01T00:00:00.000000001Z stdout F one\n"
            + "2026-01-01T00:00:01.000000001Z stderr F two\n");
    List<String> lines = new ArrayList<>();
    stub()
        .logs(
            LogsRequest.newBuilder()
                .setRef("web")
                .setStdout(true)
                .setStderr(true)
                .setFollow(true)
                .build())
        .forEachRemaining(record -> lines.add(record.getLine().toStringUtf8()));
    assertEquals(List.of("one", "two"), lines);
  }

  // Row MB-168.
  @Test
  void containerdsClients_seeTheSameContainer_andStartItTheSameWay() throws IOException {
    String id = create("web", "sleep");
    String spec =
        instance
            .containers()
            .get(GetContainerRequest.newBuilder().setId(id).build())
            .getContainer()
            .getSpec()
            .getValue()
            .toStringUtf8();
    assertTrue(spec.contains("\"seccomp\""), spec);
    assertTrue(
        spec.contains("\"cgroupsPath\":\"/" + instance.config.cgroupParent() + "/" + id + "\""));
    int pid =
        instance.tasks().create(CreateTaskRequest.newBuilder().setContainerId(id).build()).getPid();
    assertTrue(pid > 0);
    // The preparation ran: its files are there.
    assertTrue(
        Files.readString(
                new RootFolders(instance.config.root())
                    .container(Instance.key(id))
                    .resolve("hosts"))
            .contains("localhost"));
  }

  // Row MB-22.
  @Test
  void update_holdsNowAndLater() {
    String id = create("web", "sleep");
    begin("web");
    var _ =
        stub()
            .update(
                UpdateRequest.newBuilder()
                    .setRef("web")
                    .setResources(Resources.newBuilder().setMemory(256 << 20))
                    .build());
    assertEquals(256 << 20, get(id).getHost().getResources().getMemory());
    assertTrue(instance.hosts.supervisor(Instance.key(id)).done().contains("update"));
    assertTrue(
        instance
            .containers()
            .get(GetContainerRequest.newBuilder().setId(id).build())
            .getContainer()
            .getSpec()
            .getValue()
            .toStringUtf8()
            .contains("\"limit\":" + (256 << 20)));
    refused(
        Code.INVALID_ARGUMENT,
        () ->
            stub()
                .update(
                    UpdateRequest.newBuilder()
                        .setRef("web")
                        .setRestart(RestartPolicy.newBuilder().setName("sometimes"))
                        .build()));
  }

  // Row MB-31.
  @Test
  void prune_removesWhatRests() {
    create("one", "sleep");
    String running = create("two", "sleep");
    begin("two");
    assertEquals(1, stub().prune(PruneRequest.getDefaultInstance()).getIdsCount());
    assertEquals(List.of("two"), names(true));
    assertEquals(running, get("two").getId());
    assertEquals(1, stub().info(Empty.getDefaultInstance()).getRunning());
  }

  // Rows MB-102, MB-103, MB-135, MD-06.
  @Test
  void refusedCreate_leavesNothing() {
    refused(Code.INVALID_ARGUMENT, () -> create("web", ""));
    CreateRequest huge =
        request("web", "sleep")
            .setConfig(Config.newBuilder().addCmd("sleep").putLabels("k", "x".repeat(5 << 20)))
            .build();
    refused(Code.INVALID_ARGUMENT, () -> stub().create(huge));
    refused(
        Code.INVALID_ARGUMENT,
        () -> stub().create(request("web", "sleep").setId("../../etc").build()));
    assertEquals(List.of(), names(true));
    create("web", "sleep");
  }
}
