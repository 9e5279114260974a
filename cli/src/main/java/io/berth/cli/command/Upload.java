package io.berth.cli.command;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.ByteString;
import io.berth.base.error.BerthException;
import io.berth.base.error.ErrorCodec;
import io.berth.cli.session.Session;
import io.grpc.MethodDescriptor;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Sends a stream of bytes as the requests of one call, no faster than the service takes them, and
 * gathers the answers.
 */
final class Upload<Q, A> implements ClientResponseObserver<Q, A> {
  private static final int CHUNK = 1 << 20;

  private final Function<ByteString, Q> wrap;
  private final Q first;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final List<A> answers = new ArrayList<>();
  private final CompletableFuture<List<A>> end = new CompletableFuture<>();

  @GuardedBy("lock")
  private @Nullable ClientCallStreamObserver<Q> call;

  /**
   * For one use.
   *
   * @param wrap makes a request of a chunk of bytes
   * @param first the request that goes before all chunks
   */
  Upload(Function<ByteString, Q> wrap, Q first) {
    this.wrap = wrap;
    this.first = first;
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<Q> requests) {
    lock.lock();
    try {
      call = requests;
    } finally {
      lock.unlock();
    }
    requests.setOnReadyHandler(this::wake);
  }

  @Override
  public void onNext(A answer) {
    answers.add(answer);
  }

  @Override
  public void onError(Throwable failure) {
    end.completeExceptionally(failure);
    wake();
  }

  @Override
  public void onCompleted() {
    end.complete(answers);
    wake();
  }

  private void wake() {
    lock.lock();
    try {
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Makes the call with all that the stream holds. Blocks until the service has answered. */
  @CanIgnoreReturnValue
  List<A> send(Session session, MethodDescriptor<Q, A> method, InputStream in) {
    return session.exchange(method, start -> send(in, start));
  }

  private List<A> send(InputStream in, Function<StreamObserver<A>, StreamObserver<Q>> start) {
    StreamObserver<Q> requests = start.apply(this);
    requests.onNext(first);
    byte[] buffer = new byte[CHUNK];
    try {
      int n;
      while ((n = in.readNBytes(buffer, 0, CHUNK)) > 0 && awaitReady()) {
        requests.onNext(wrap.apply(ByteString.copyFrom(buffer, 0, n)));
      }
      if (!end.isDone()) {
        requests.onCompleted();
      }
    } catch (IOException e) {
      requests.onError(e);
      throw new BerthException.InvalidArgument("read the archive: " + e.getMessage(), e);
    }
    try {
      return end.join();
    } catch (CompletionException e) {
      throw ErrorCodec.fromCall(e.getCause() == null ? e : e.getCause());
    }
  }

  /** Waits until the service takes more; false when it has ended the call. */
  private boolean awaitReady() {
    lock.lock();
    try {
      while (call != null && !call.isReady() && !end.isDone()) {
        changed.awaitUninterruptibly();
      }
      return !end.isDone();
    } finally {
      lock.unlock();
    }
  }
}
