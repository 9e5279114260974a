package io.berth.containerd.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.CreateRequest;
import io.berth.api.berth.container.v1.GetRequest;
import io.berth.api.berth.container.v1.HostConfig;
import io.berth.api.berth.container.v1.NetworkConfig;
import io.berth.api.berth.container.v1.RemoveRequest;
import io.berth.api.berth.container.v1.RestartPolicy;
import io.berth.api.berth.container.v1.StartRequest;
import io.berth.api.berth.container.v1.State;
import io.berth.api.berth.container.v1.StateInfo;
import io.berth.api.berth.container.v1.StopRequest;
import io.berth.api.berth.container.v1.WaitRequest;
import io.berth.base.rpc.UnixChannel;
import io.berth.containerd.fake.FakePeers;
import io.berth.containerd.fake.FakePeers.Service;
import io.berth.containerd.fake.Instance;
import io.berth.testing.Eventually;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * A container with a snapshot and a network, and the two services that it needs, which come and go.
 */
abstract class AbsentServices {
  @RegisterExtension final Instance instance = new Instance();

  FakePeers peers;

  @BeforeEach
  void start() throws IOException {
    peers = new FakePeers(instance.config);
    peers.start(Service.IMAGE);
    peers.start(Service.NETWORK);
  }

  @AfterEach
  void stop() {
    peers.close();
  }

  ContainersGrpc.ContainersBlockingStub stub() {
    return UnixChannel.in(
            ContainersGrpc.newBlockingStub(instance.channel()), Instance.NAMESPACE, null)
        .withDeadlineAfter(20, TimeUnit.SECONDS)
        .withWaitForReady();
  }

  static HostConfig restart(String policy) {
    RestartPolicy.Builder result = RestartPolicy.newBuilder();
    int colon = policy.indexOf(':');
    return HostConfig.newBuilder()
        .setRestart(
            colon < 0
                ? result.setName(policy)
                : result
                    .setName(policy.substring(0, colon))
                    .setMaximumRetries(Integer.parseInt(policy.substring(colon + 1))))
        .build();
  }

  String begun(HostConfig host) {
    return begun(host, Config.newBuilder().addCmd("sleep"));
  }

  String begun(HostConfig host, Config.Builder config) {
    String id =
        stub()
            .create(
                CreateRequest.newBuilder()
                    .setName("it")
                    .setSnapshotter("overlayfs")
                    .setSnapshotKey("its")
                    .setConfig(config)
                    .setHost(host)
                    .setNetwork(NetworkConfig.newBuilder().setMode("bridge"))
                    .build())
            .getId();
    begin();
    return id;
  }

  void begin() {
    var _ = stub().start(StartRequest.newBuilder().setRef("it").build());
  }

  Container it() {
    return stub().get(GetRequest.newBuilder().setRef("it").build());
  }

  State state() {
    return it().getState().getState();
  }

  boolean isGone() {
    try {
      var _ = it();
      return false;
    } catch (StatusRuntimeException e) {
      return e.getStatus().getCode() == Code.NOT_FOUND;
    }
  }

  CompletableFuture<Integer> awaited(String condition) {
    return CompletableFuture.supplyAsync(
        () ->
            stub()
                .wait(WaitRequest.newBuilder().setRef("it").setCondition(condition).build())
                .getStatus(),
        task -> Thread.ofVirtual().start(task));
  }

  static void until(BooleanSupplier condition, Supplier<String> otherwise) {
    try {
      Eventually.holds("as it is wanted", condition::getAsBoolean);
    } catch (AssertionError e) {
      throw new AssertionError(otherwise.get(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  void until(State wanted) {
    until(() -> state() == wanted, () -> wanted + " was wanted: " + it().getState());
  }

  void runsAnew(int pidBefore) {
    until(
        () -> {
          // One look: between two of them the process of before can end.
          StateInfo now = it().getState();
          return now.getState() == State.STATE_RUNNING && now.getPid() != pidBefore;
        },
        () -> "it was not started again: " + it().getState());
  }

  /** Its program ends; answers when the container waits for the service, and says so. */
  void endsAndWaits(String id, int code, Service absent) {
    instance.hosts.exit(Instance.key(id), "", code);
    waits(absent);
  }

  void waits(Service absent) {
    String program = "berth-" + (absent == Service.IMAGE ? "image" : "network");
    until(
        () -> it().getState().getError().contains(program),
        () -> "it does not wait for " + program + ": " + it().getState());
  }

  static StatusRuntimeException refused(Code code, Runnable call) {
    StatusRuntimeException e = assertThrows(StatusRuntimeException.class, call::run);
    assertEquals(code, e.getStatus().getCode(), e.getMessage());
    return e;
  }

  void stopIt() {
    var _ = stub().stop(StopRequest.newBuilder().setRef("it").setTimeout(2).build());
  }

  void removeIt() {
    var _ = stub().remove(RemoveRequest.newBuilder().setRef("it").setForce(true).build());
  }
}
