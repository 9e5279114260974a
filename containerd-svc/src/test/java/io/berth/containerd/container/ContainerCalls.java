package io.berth.containerd.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.CreateRequest;
import io.berth.api.berth.container.v1.GetRequest;
import io.berth.api.berth.container.v1.ListRequest;
import io.berth.api.berth.container.v1.NetworkConfig;
import io.berth.api.berth.container.v1.RemoveRequest;
import io.berth.api.berth.container.v1.StartRequest;
import io.berth.api.berth.container.v1.StartResponse;
import io.berth.api.berth.container.v1.State;
import io.berth.api.berth.container.v1.WaitRequest;
import io.berth.base.rpc.UnixChannel;
import io.berth.containerd.fake.Instance;
import io.berth.testing.Eventually;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.function.Executable;

/**
 * A service with containers on the host's network, whose roots are folders, so that no other
 * service is needed; and the calls that tests make on it.
 */
abstract class ContainerCalls {
  @RegisterExtension final Instance instance = new Instance();

  ContainersGrpc.ContainersBlockingStub stub() {
    return UnixChannel.in(
            ContainersGrpc.newBlockingStub(instance.channel()), Instance.NAMESPACE, null)
        .withDeadlineAfter(20, TimeUnit.SECONDS)
        .withWaitForReady();
  }

  CreateRequest.Builder request(String name, String program) {
    return CreateRequest.newBuilder()
        .setName(name)
        .setRootfs(instance.folder().toString())
        .setConfig(Config.newBuilder().addCmd(program))
        .setNetwork(NetworkConfig.newBuilder().setMode("host"));
  }

  String create(String name, String program) {
    return stub().create(request(name, program).build()).getId();
  }

  StartResponse begin(String ref) {
    return stub().start(StartRequest.newBuilder().setRef(ref).build());
  }

  Container get(String ref) {
    return stub().get(GetRequest.newBuilder().setRef(ref).build());
  }

  State state(String ref) {
    return get(ref).getState().getState();
  }

  int await(String ref, String condition) {
    return stub()
        .wait(WaitRequest.newBuilder().setRef(ref).setCondition(condition).build())
        .getStatus();
  }

  List<String> names(boolean all, String... filters) {
    return stub()
        .list(ListRequest.newBuilder().setAll(all).addAllFilters(List.of(filters)).build())
        .getContainersList()
        .stream()
        .map(Container::getName)
        .toList();
  }

  void remove(String ref, boolean force) {
    var _ = stub().remove(RemoveRequest.newBuilder().setRef(ref).setForce(force).build());
  }

  static StatusRuntimeException refused(Code code, Executable call) {
    StatusRuntimeException e = assertThrows(StatusRuntimeException.class, call);
    assertEquals(code, e.getStatus().getCode(), e.getMessage());
    return e;
  }

  void until(String ref, State wanted) throws InterruptedException {
    var _ = Eventually.answers("in state " + wanted, () -> state(ref), wanted::equals);
  }
}
