package io.berth.cli.command;

import com.google.protobuf.ByteString;
import io.berth.base.error.BerthException;
import io.berth.base.error.ErrorCodec;
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

/** Sends a stream of bytes with back pressure and gathers the answers. */
final class Upload<Q, A> implements ClientResponseObserver<Q, A> {
  private static final int CHUNK = 1 << 20;

  private final Function<ByteString, Q> wrap;
  private final Q first;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final List<A> answers = new ArrayList<>();
  private final CompletableFuture<List<A>> end = new CompletableFuture<>();
  private @Nullable ClientCallStreamObserver<Q> call;

  /**
   * How chunks become requests.
   *
   * @param first goes before them
   */
  Upload(Function<ByteString, Q> wrap, Q first) {
    this.wrap = wrap;
    this.first = first;
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<Q> requests) {
    call = requests;
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

  /** Blocks until the service has answered everything. */
  List<A> send(InputStream in, Function<StreamObserver<A>, StreamObserver<Q>> start) {
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

  /** False when the service has ended the call. */
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
