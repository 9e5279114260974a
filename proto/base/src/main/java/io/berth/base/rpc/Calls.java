package io.berth.base.rpc;

import io.berth.base.error.BerthException;
import io.berth.base.error.ErrorCodec;
import io.berth.base.error.ErrorDetails;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/** Lets both sides of a unary call be written as straight-line code. */
public final class Calls {
  private Calls() {}

  /**
   * Answers with the value, or with the status of what was thrown. Runs on the caller's thread; a
   * virtual one is interrupted when the client cancels, an event loop never is.
   */
  public static <A> void answer(StreamObserver<A> responses, Callable<A> work) {
    Thread thread = Thread.currentThread();
    if (!thread.isVirtual()) {
      answerToTheEnd(responses, work);
      return;
    }
    Context.CancellationListener interrupt = _ -> thread.interrupt();
    Context context = Context.current();
    context.addListener(interrupt, Runnable::run);
    A answer;
    try {
      answer = work.call();
    } catch (Exception e) {
      responses.onError(ErrorCodec.toStatus(e).asRuntimeException());
      return;
    } finally {
      context.removeListener(interrupt);
    }
    responses.onNext(answer);
    responses.onCompleted();
  }

  /** Answers like {@link #answer}, and is not interrupted when the client cancels. */
  public static <A> void answerToTheEnd(StreamObserver<A> responses, Callable<A> work) {
    A answer;
    try {
      answer = work.call();
    } catch (Exception e) {
      responses.onError(ErrorCodec.toStatus(e).asRuntimeException());
      return;
    }
    responses.onNext(answer);
    responses.onCompleted();
  }

  /**
   * For a method that runs on the event loop: answers with what is known, which must not wait; if
   * that is null, a thread of its own does the work and answers.
   */
  public static <A> void answerAtOnce(
      StreamObserver<A> responses, Callable<@Nullable A> known, Callable<A> work) {
    @Nullable A answer;
    try {
      answer = known.call();
    } catch (Exception e) {
      responses.onError(ErrorCodec.toStatus(e).asRuntimeException());
      return;
    }
    if (answer == null) {
      Handlers.thread("rpc", () -> answer(responses, work)).start();
    } else {
      responses.onNext(answer);
      responses.onCompleted();
    }
  }

  /** Work with a client stub, which throws gRPC's exceptions. */
  public interface ClientCall<A> {
    A run() throws StatusException, StatusRuntimeException;
  }

  /**
   * Calls another service; its failure becomes a {@link BerthException}. Of one that is absent that
   * is a {@link BerthException.Absent}, which names its socket.
   */
  public static <A> A call(Path socket, String program, ClientCall<A> call) {
    try {
      return call.run();
    } catch (StatusException | StatusRuntimeException e) {
      BerthException known = ErrorCodec.fromCall(e);
      if (known instanceof BerthException.Unavailable || isBrokenOff(known, e)) {
        throw new BerthException.Absent(
            "connect to `"
                + socket
                + "`: "
                + known.getMessage()
                + "; is "
                + program
                + " running? (`berth-services status`)",
            e);
      }
      throw known;
    }
  }

  /** Whether it was the other side that has cancelled the call, as a service does at its end. */
  private static boolean isBrokenOff(BerthException known, Exception failure) {
    Metadata trailers = Status.trailersFromThrowable(failure);
    return known instanceof BerthException.Cancelled
        && trailers != null
        && !ErrorDetails.areAnswers(trailers)
        && Status.fromThrowable(failure).getCause() == null
        && !Thread.currentThread().isInterrupted()
        && !Context.current().isCancelled();
  }
}
