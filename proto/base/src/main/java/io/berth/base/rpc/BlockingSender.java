package io.berth.base.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.error.BerthException;
import io.berth.base.error.ErrorCodec;
import io.grpc.Context;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The sending end of a server stream, with back pressure: {@link #send} blocks while the client is
 * slow and fails with {@link BerthException.Cancelled} when it has gone.
 *
 * <p>While a streaming handler blocks, neither its onReady nor its onCancel callback arrives
 * (callbacks of one call are serial); so the work runs in a virtual thread of its own: {@link
 * #run}.
 */
public final class BlockingSender<A> {
  private final ServerCallStreamObserver<A> observer;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  @GuardedBy("lock")
  private @Nullable BerthException ended;

  private BlockingSender(ServerCallStreamObserver<A> observer) {
    this.observer = observer;
    observer.setOnReadyHandler(this::wake);
    observer.setOnCancelHandler(this::wake);
  }

  /** The work that fills the stream. */
  public interface Work<A> {
    /** The stream ends when it returns, or with the status of what it throws. */
    void run(BlockingSender<A> sender) throws Exception;
  }

  /** Called by a handler before it returns: starts the work with the call's context. */
  public static <A> void run(StreamObserver<A> responses, Work<A> work) {
    ServerCallStreamObserver<A> observer = (ServerCallStreamObserver<A>) responses;
    BlockingSender<A> sender = new BlockingSender<>(observer);
    Thread thread = Handlers.thread("stream", () -> sender.toItsEnd(work));
    Context.current().addListener(_ -> thread.interrupt(), Runnable::run);
    thread.start();
  }

  private void toItsEnd(Work<A> work) {
    try {
      work.run(this);
      if (!observer.isCancelled()) {
        observer.onCompleted();
      }
    } catch (Exception e) {
      fail(e);
    } catch (Error e) {
      // Without a word the client would wait for ever; what failed is still told as uncaught.
      fail(e);
      throw e;
    }
  }

  private void fail(Throwable failure) {
    if (!observer.isCancelled()) {
      observer.onError(ErrorCodec.toStatus(failure).asRuntimeException());
    }
  }

  /** Blocks until the transport takes more. */
  public void send(A message) {
    lock.lock();
    try {
      while (!observer.isReady() && !observer.isCancelled() && ended == null) {
        changed.await();
      }
      if (ended != null) {
        throw ended;
      }
      if (observer.isCancelled()) {
        throw new BerthException.Cancelled("the client ended the stream");
      }
      observer.onNext(message);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BerthException.Cancelled("the client ended the stream", e);
    } finally {
      lock.unlock();
    }
  }

  /** Makes {@link #send} fail with this from now on, also one that blocks; from any thread. */
  public void end(BerthException why) {
    lock.lock();
    try {
      ended = why;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Whether the client has gone. */
  public boolean isCancelled() {
    return observer.isCancelled();
  }

  private void wake() {
    lock.lock();
    try {
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
