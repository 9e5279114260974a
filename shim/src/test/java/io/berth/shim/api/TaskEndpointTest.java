package io.berth.shim.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.FieldDescriptor;
import io.berth.api.containerd.runc.v1.Options;
import io.berth.api.containerd.task.v3.CreateTaskRequest;
import io.berth.api.containerd.task.v3.KillRequest;
import io.berth.api.containerd.task.v3.StateRequest;
import io.berth.api.containerd.task.v3.TaskGrpc;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.UnixServer;
import io.berth.shim.run.ContainerTask;
import io.berth.shim.run.RequestIds;
import io.berth.shim.run.TaskCreation;
import io.berth.testing.InProcessGrpc;
import io.grpc.Status.Code;
import io.grpc.StatusException;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What is answered before there is a container, and what is read of a request to make one. */
final class TaskEndpointTest {
  @RegisterExtension final InProcessGrpc grpc = new InProcessGrpc(UnixServer.INTERCEPTORS);
  private final AtomicReference<TaskCreation.Request> read = new AtomicReference<>();

  /** Reads a request and makes nothing. */
  private final class Reader implements TaskEndpoint.Keeper {
    @Override
    public @Nullable ContainerTask task() {
      return null;
    }

    @Override
    public ContainerTask create(CreateTaskRequest request, RequestIds requests) {
      read.set(
          TaskTranslation.creation(
              new ShimTable.Creation(request, /* ephemeral= */ true, /* attach= */ null),
              requests));
      throw new IllegalStateException("read");
    }

    @Override
    public void deleted() {}

    @Override
    public void shutDown() {}
  }

  private TaskGrpc.TaskBlockingV2Stub stub() throws Exception {
    return TaskGrpc.newBlockingV2Stub(grpc.serve(new TaskEndpoint("c1", new Reader())));
  }

  private StatusException create(Any options) throws Exception {
    CreateTaskRequest request =
        CreateTaskRequest.newBuilder().setId("c1").setOptions(options).build();
    TaskGrpc.TaskBlockingV2Stub stub = stub();
    return assertThrows(StatusException.class, () -> stub.create(request));
  }

  @Test
  void withoutAContainerEverythingIsNotFound() throws Exception {
    TaskGrpc.TaskBlockingV2Stub stub = stub();
    StatusException state =
        assertThrows(
            StatusException.class, () -> stub.state(StateRequest.newBuilder().setId("c1").build()));
    assertEquals(Code.NOT_FOUND, state.getStatus().getCode());
    assertEquals("task c1 not found: not found", state.getStatus().getDescription());
    StatusException kill =
        assertThrows(
            StatusException.class, () -> stub.kill(KillRequest.newBuilder().setId("x").build()));
    assertEquals(Code.NOT_FOUND, kill.getStatus().getCode());
  }

  @Test
  void optionsOfOtherTypesAreRefusedInTheKnownWords() throws Exception {
    StatusException unknown = create(Anys.of("some.Type", ByteString.copyFromUtf8("x")));
    assertEquals(Code.UNKNOWN, unknown.getStatus().getCode());
    assertEquals("type with url some.Type: not found", unknown.getStatus().getDescription());
    StatusException wrong = create(Anys.of("runtimeoptions.v1.Options", ByteString.EMPTY));
    assertEquals(Code.UNKNOWN, wrong.getStatus().getCode());
    assertEquals(
        "invalid task create option for io.containerd.runc.v2", wrong.getStatus().getDescription());
  }

  @Test
  void dockersBareRuncMeansOurs() throws Exception {
    create(
        Anys.pack(
            Options.newBuilder()
                .setBinaryName("runc")
                .setRoot("/run/docker/runtime-runc")
                .setSystemdCgroup(true)
                .setNoPivotRoot(true)
                .build()));
    assertEquals(new TaskCreation.Options(true, false, true, ""), read.get().options());
    StatusException other =
        create(Anys.pack(Options.newBuilder().setBinaryName("/x/crun").build()));
    assertEquals(Code.UNIMPLEMENTED, other.getStatus().getCode());
  }

  @Test // case C9
  void eachOfRuncsOptionsIsDoneOrRefused() throws Exception {
    Set<String> refused = new TreeSet<>();
    for (FieldDescriptor option : Options.getDescriptor().getFields()) {
      Object value =
          switch (option.getJavaType()) {
            case BOOLEAN -> true;
            case INT -> 1;
            case STRING -> "/some";
            default -> throw new AssertionError(option.getFullName());
          };
      read.set(null);
      StatusException answer =
          create(Anys.pack(Options.newBuilder().setField(option, value).build()));
      if (answer.getStatus().getCode() == Code.UNIMPLEMENTED) {
        refused.add(option.getName());
      }
      // None is both refused and read.
      assertEquals(answer.getStatus().getCode() == Code.UNIMPLEMENTED, read.get() == null);
    }
    assertEquals(Set.of("binary_name", "task_api_address", "task_api_version"), refused);
    create(Anys.pack(Options.newBuilder().setShimCgroup("/some/place").build()));
    assertEquals(
        new TaskCreation.Options(false, false, false, "/some/place"), read.get().options());
    StatusException newer =
        create(Anys.of("containerd.runc.v1.Options", ByteString.copyFrom(new byte[] {0x78, 1})));
    assertEquals(Code.UNIMPLEMENTED, newer.getStatus().getCode());
    StatusException outside =
        create(Anys.pack(Options.newBuilder().setShimCgroup("/a/../..").build()));
    assertEquals(Code.INVALID_ARGUMENT, outside.getStatus().getCode());
  }

  @Test
  void checkpointsAreNotBuilt() throws Exception {
    CreateTaskRequest request = CreateTaskRequest.newBuilder().setCheckpoint("/x").build();
    TaskGrpc.TaskBlockingV2Stub stub = stub();
    StatusException refusal = assertThrows(StatusException.class, () -> stub.create(request));
    assertEquals(Code.UNIMPLEMENTED, refusal.getStatus().getCode());
  }
}
