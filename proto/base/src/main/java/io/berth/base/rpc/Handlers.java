package io.berth.base.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Counts the threads that work for a server's calls. gRPC forgets a call when it is cancelled, its
 * handler may work on: it takes back what it had begun. Thread-safe.
 */
final class Handlers {
  private static final Context.Key<Handlers> OF_CALL = Context.key("handlers");

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition ended = lock.newCondition();

  @GuardedBy("lock")
  private int there;

  /** Lets {@link #thread} find the handlers of the call in progress. */
  ServerInterceptor interceptor() {
    return new ServerInterceptor() {
      @Override
      public <Q, A> ServerCall.Listener<Q> interceptCall(
          ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
        return Contexts.interceptCall(
            Context.current().withValue(OF_CALL, Handlers.this), call, headers, next);
      }
    };
  }

  /** A virtual thread, not started, that works for the call in progress, with its context. */
  static Thread thread(String name, Runnable work) {
    Handlers handlers = OF_CALL.get();
    Runnable inContext = Context.current().wrap(work);
    return Thread.ofVirtual()
        .name(name)
        .unstarted(handlers == null ? inContext : handlers.counted(inContext));
  }

  /** The executor, each of whose tasks counts from when it is given. */
  Executor counting(Executor executor) {
    return task -> {
      Runnable counted = counted(task);
      boolean taken = false;
      try {
        executor.execute(counted);
        taken = true;
      } finally {
        if (!taken) {
          end();
        }
      }
    };
  }

  /** Waits until no thread works for any call; false if one still does after this time. */
  boolean awaitEnd(long millis) throws InterruptedException {
    long left = TimeUnit.MILLISECONDS.toNanos(millis);
    lock.lock();
    try {
      while (there > 0) {
        if (left <= 0) {
          return false;
        }
        left = ended.awaitNanos(left);
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  private Runnable counted(Runnable work) {
    lock.lock();
    try {
      there++;
    } finally {
      lock.unlock();
    }
    return () -> {
      try {
        work.run();
      } finally {
        end();
      }
    };
  }

  private void end() {
    lock.lock();
    try {
      there--;
      ended.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
