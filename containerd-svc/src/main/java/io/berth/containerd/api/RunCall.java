package io.berth.containerd.api;

import io.berth.api.berth.container.v1.RunResponse;
import io.berth.base.error.BerthException;
import io.berth.base.error.ErrorCodec;
import io.berth.containerd.container.ContainerRuns;
import io.berth.containerd.container.Gate;
import io.berth.containerd.task.Detached;
import io.grpc.Context;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.function.Function;

/**
 * One call of {@code Run}. The call is the client's hold on the container: when it ends before the
 * program was let go, however it ends, what was begun is undone.
 */
final class RunCall {
  private static final Logger LOG = System.getLogger(RunCall.class.getName());

  private final ServerCallStreamObserver<RunResponse> responses;
  private final ContainerRuns runs;

  /** Cancelled when the call ends, by whomever. */
  private final Context call = Context.current();

  private RunCall(ServerCallStreamObserver<RunResponse> responses, ContainerRuns runs) {
    this.responses = responses;
    this.runs = runs;
  }

  /**
   * Called by a handler before it returns.
   *
   * @param work brings the container to its gate; it is not interrupted, but asks for its client
   */
  static void serve(
      StreamObserver<RunResponse> responses,
      ContainerRuns runs,
      Function<ContainerRuns.Client, ContainerRuns.Run> work) {
    ServerCallStreamObserver<RunResponse> observer =
        (ServerCallStreamObserver<RunResponse>) responses;
    // With a handler, an answer to a client that has gone is dropped; without, it would throw.
    observer.setOnCancelHandler(() -> {});
    RunCall served = new RunCall(observer, runs);
    Runnable toItsEnd = () -> Detached.forClient(served.call, () -> served.toItsEnd(work));
    Thread.ofVirtual().name("run").start(served.call.fork().wrap(toItsEnd));
  }

  private void toItsEnd(Function<ContainerRuns.Client, ContainerRuns.Run> work) {
    try {
      ContainerRuns.Run run = work.apply(call::isCancelled);
      Gate gate = run.gate();
      if (gate != null) {
        // If the client has gone already, this is called at once.
        call.addListener(
            _ -> Thread.ofVirtual().name("run-undo").start(() -> undo(run)), Runnable::run);
      }
      responses.onNext(ContainerAnswers.of(run));
      if (gate != null) {
        gate.awaitOpen();
      }
      responses.onCompleted();
    } catch (Exception e) {
      responses.onError(ErrorCodec.toStatus(e).asRuntimeException());
    }
  }

  private void undo(ContainerRuns.Run run) {
    try {
      runs.clientGone(run);
    } catch (BerthException e) {
      // The record says that it is pending, so the next start of this service undoes it.
      LOG.log(Level.WARNING, "undo the run of {0}: {1}", run.name(), e.getMessage());
    }
  }
}
