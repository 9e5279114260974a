package io.berth.containerd.api;

import static io.berth.containerd.fake.TaskCalls.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.api.containerd.services.tasks.v1.WaitRequest;
import io.berth.containerd.fake.Instance;
import io.berth.containerd.fake.ServiceThreads;
import io.berth.containerd.fake.TaskCalls;
import io.berth.testing.Eventually;
import io.grpc.Context;
import io.grpc.Context.CancellableContext;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Waiting for an end through {@code containerd.services.tasks.v1.Tasks}. */
class TaskWaitsTest {
  /** Where the service waits for a client. */
  private static final String WAIT = "io.berth.containerd.api.TasksEndpoint.wait";

  @RegisterExtension final Instance instance = new Instance();

  private final TaskCalls calls = new TaskCalls(instance);

  @Test
  void wait_blocksUntilExit_andAnswersAfterwards() throws Exception {
    instance.createTask("c1", "sleep");
    calls.start("c1");
    CompletableFuture<Integer> early = new CompletableFuture<>();
    Thread.ofVirtual().start(() -> early.complete(calls.await("c1")));
    Eventually.holds("under way", () -> ServiceThreads.in(WAIT) > 0);
    assertFalse(early.isDone());
    instance.hosts.exit(Instance.key("c1"), "", 3);
    assertEquals(3, early.get());
    assertEquals(3, calls.await("c1"));
  }

  /** A deadline passes, a client goes away, and no thread goes on waiting for them. */
  @Test
  void wait_thatIsGivenUp_leavesNoThread() throws Exception {
    instance.createTask("c1", "sleep");
    calls.start("c1");
    WaitRequest request = WaitRequest.newBuilder().setContainerId("c1").build();
    for (int i = 0; i < 20; i++) {
      refused(
          Code.DEADLINE_EXCEEDED,
          () -> instance.tasks().withDeadlineAfter(Duration.ofMillis(20)).wait(request));
    }
    try (CancellableContext client = Context.current().withCancellation()) {
      CompletableFuture<StatusRuntimeException> end = new CompletableFuture<>();
      Runnable call =
          () -> {
            var e =
                assertThrows(StatusRuntimeException.class, () -> instance.tasks().wait(request));
            end.complete(e);
          };
      Thread.ofVirtual().start(client.wrap(call));
      Eventually.holds("under way", () -> ServiceThreads.in(WAIT) > 0);
      client.cancel(null);
      assertEquals(Code.CANCELLED, end.get().getStatus().getCode());
    }
    Eventually.holds("given up by all threads", () -> ServiceThreads.in(WAIT) == 0);
    // The task itself is as it was.
    instance.hosts.exit(Instance.key("c1"), "", 4);
    assertEquals(4, calls.await("c1"));
  }
}
