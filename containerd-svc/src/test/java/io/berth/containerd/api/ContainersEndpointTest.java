package io.berth.containerd.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.FieldMask;
import io.berth.api.containerd.services.containers.v1.Container;
import io.berth.api.containerd.services.containers.v1.ContainersGrpc;
import io.berth.api.containerd.services.containers.v1.CreateContainerRequest;
import io.berth.api.containerd.services.containers.v1.DeleteContainerRequest;
import io.berth.api.containerd.services.containers.v1.GetContainerRequest;
import io.berth.api.containerd.services.containers.v1.ListContainersRequest;
import io.berth.api.containerd.services.containers.v1.UpdateContainerRequest;
import io.berth.api.containerd.services.namespaces.v1.ListNamespacesRequest;
import io.berth.api.containerd.services.namespaces.v1.NamespacesGrpc;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.UnixChannel;
import io.berth.containerd.fake.Instance;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.function.Executable;

class ContainersEndpointTest {
  @RegisterExtension final Instance instance = new Instance();

  private Container create(Container container) {
    return instance
        .containers()
        .create(CreateContainerRequest.newBuilder().setContainer(container).build())
        .getContainer();
  }

  private Container get(String id) {
    return instance
        .containers()
        .get(GetContainerRequest.newBuilder().setId(id).build())
        .getContainer();
  }

  private Container update(Container container, String... paths) {
    return instance
        .containers()
        .update(
            UpdateContainerRequest.newBuilder()
                .setContainer(container)
                .setUpdateMask(FieldMask.newBuilder().addAllPaths(List.of(paths)))
                .build())
        .getContainer();
  }

  private static StatusRuntimeException refused(Code code, Executable call) {
    StatusRuntimeException e = assertThrows(StatusRuntimeException.class, call);
    assertEquals(code, e.getStatus().getCode(), e.getMessage());
    return e;
  }

  /**
   * A record comes back as it was sent, even with a specification that is no JSON at all, and its
   * id cannot be taken twice.
   */
  @Test
  void created_isReadBackByteForByte_alsoAfterARestart() throws IOException {
    Any spec = Anys.of("some.url/x", ByteString.copyFrom(new byte[] {0, 1, (byte) 0xff}));
    Container sent =
        Instance.described("c1", "true").toBuilder()
            .setSpec(spec)
            .putLabels("a", "b")
            .putLabels("gone", "")
            .putExtensions("x", Any.newBuilder().setTypeUrl("u").build())
            .build();
    Container created = create(sent);
    assertTrue(created.hasCreatedAt());
    assertEquals(created.getCreatedAt(), created.getUpdatedAt());
    instance.stop();
    instance.start();
    assertEquals(spec, get("c1").getSpec());
    assertEquals(Map.of("a", "b"), get("c1").getLabelsMap());
    refused(Code.ALREADY_EXISTS, () -> create(sent));
  }

  /**
   * Without a valid id, a specification, a runtime or a snapshotter for its key nothing is made.
   */
  @Test
  void refused_areRecordsThatCannotBe() {
    Container good = Instance.described("c1", "true");
    refused(Code.INVALID_ARGUMENT, () -> create(good.toBuilder().setId("").build()));
    refused(Code.INVALID_ARGUMENT, () -> create(good.toBuilder().setId("../x").build()));
    refused(Code.INVALID_ARGUMENT, () -> create(good.toBuilder().clearSpec().build()));
    refused(Code.INVALID_ARGUMENT, () -> create(good.toBuilder().clearRuntime().build()));
    refused(Code.INVALID_ARGUMENT, () -> create(good.toBuilder().setSnapshotKey("k").build()));
    refused(
        Code.INVALID_ARGUMENT,
        () -> create(good.toBuilder().putLabels("k", "x".repeat(5 << 20)).build()));
    refused(Code.NOT_FOUND, () -> get("c1"));
  }

  @Test
  void create_byManyClients_oneWins() {
    List<CompletableFuture<Code>> answers = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      CompletableFuture<Code> answer = new CompletableFuture<>();
      answers.add(answer);
      Thread.ofVirtual()
          .start(() -> {
            try {
              create(Instance.described("same", "true"));
              answer.complete(Code.OK);
            } catch (StatusRuntimeException e) {
              answer.complete(e.getStatus().getCode());
            }
          });
    }
    List<Code> codes = answers.stream().map(CompletableFuture::join).toList();
    assertEquals(1, codes.stream().filter(Code.OK::equals).count());
    assertEquals(19, codes.stream().filter(Code.ALREADY_EXISTS::equals).count());
  }

  /** A field mask names what changes; the rest of what is sent has no effect. */
  @Test
  void update_withMask_changesOnlyThat() {
    create(
        Instance.described("c1", "true").toBuilder()
            .putLabels("keep", "1")
            .putLabels("drop", "2")
            .setImage("old")
            .build());
    Container changed =
        update(
            Container.newBuilder()
                .setId("c1")
                .putLabels("containerd.io/x.y", "new")
                .setImage("ignored")
                .build(),
            "labels.containerd.io/x.y",
            "labels.drop");
    assertEquals(Map.of("keep", "1", "containerd.io/x.y", "new"), changed.getLabelsMap());
    assertEquals("old", changed.getImage());
    assertFalse(changed.getSpec().getValue().isEmpty());
    assertEquals(get("c1"), changed);
    refused(
        Code.INVALID_ARGUMENT,
        () -> update(Container.newBuilder().setId("c1").build(), "runtime.name"));
    refused(
        Code.INVALID_ARGUMENT, () -> update(Container.newBuilder().setId("c1").build(), "spec"));
    refused(Code.NOT_FOUND, () -> update(Container.newBuilder().setId("no").build(), "labels.a"));
    assertEquals(changed, get("c1"));
  }

  @Test
  void update_withoutMask_replaces_butNotRuntimeOrSnapshotter() {
    Container first =
        create(Instance.described("c1", "true").toBuilder().putLabels("a", "1").build());
    Container replaced =
        update(first.toBuilder().clearLabels().putLabels("b", "2").setImage("i").build());
    assertEquals(Map.of("b", "2"), replaced.getLabelsMap());
    assertEquals(first.getCreatedAt(), replaced.getCreatedAt());
    Container other =
        first.toBuilder().setRuntime(Container.Runtime.newBuilder().setName("x.y.z")).build();
    refused(Code.INVALID_ARGUMENT, () -> update(other));
    refused(
        Code.INVALID_ARGUMENT, () -> update(first.toBuilder().setSnapshotter("native").build()));
  }

  /** Any of several filters lets a record pass; a bad one is refused as containerd refuses it. */
  @Test
  void list_filters_streamsAndRefuses() {
    create(Instance.described("b", "true").toBuilder().putLabels("env.x", "prod").build());
    create(Instance.described("a", "true").toBuilder().setImage("busybox:1").build());
    assertEquals(List.of("a", "b"), ids());
    assertEquals(List.of("b"), ids("labels.\"env.x\"==prod"));
    assertEquals(List.of("a", "b"), ids("image~=^busybox", "id==b"));
    assertEquals(List.of(), ids("labels.env.x==test"));
    assertEquals(List.of("a", "b"), ids("runtime.name==io.containerd.runc.v2"));
    List<String> streamed = new ArrayList<>();
    instance
        .containers()
        .listStream(ListContainersRequest.getDefaultInstance())
        .forEachRemaining(message -> streamed.add(message.getContainer().getId()));
    assertEquals(List.of("a", "b"), streamed);
    StatusRuntimeException e = refused(Code.INVALID_ARGUMENT, () -> ids("id=="));
    assertTrue(e.getMessage().endsWith(": invalid argument: invalid argument"), e.getMessage());
    assertEquals(
        0,
        UnixChannel.in(ContainersGrpc.newBlockingStub(instance.channel()), "other", null)
            .list(ListContainersRequest.getDefaultInstance())
            .getContainersCount());
  }

  private List<String> ids(String... filters) {
    return instance
        .containers()
        .list(ListContainersRequest.newBuilder().addAllFilters(List.of(filters)).build())
        .getContainersList()
        .stream()
        .map(Container::getId)
        .toList();
  }

  @Test
  void lifeOfARecord_isTold_andMakesItsNamespace() throws InterruptedException {
    Instance.Events events = instance.events("topic~=|^/containers/|");
    create(Instance.described("c1", "true"));
    update(Container.newBuilder().setId("c1").putLabels("a", "1").build(), "labels.a");
    DeleteContainerRequest delete = DeleteContainerRequest.newBuilder().setId("c1").build();
    var _ = instance.containers().delete(delete);
    assertEquals(
        List.of("/containers/create", "/containers/update", "/containers/delete"),
        events.topicsUntil("/containers/delete"));
    refused(Code.NOT_FOUND, () -> instance.containers().delete(delete));
    assertEquals(
        List.of(Instance.NAMESPACE),
        NamespacesGrpc.newBlockingStub(instance.channel())
            .list(ListNamespacesRequest.getDefaultInstance())
            .getNamespacesList()
            .stream()
            .map(namespace -> namespace.getName())
            .toList());
  }
}
