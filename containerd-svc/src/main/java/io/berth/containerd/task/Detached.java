package io.berth.containerd.task;

import io.berth.base.error.BerthException;
import io.berth.base.rpc.Calls;
import io.berth.containerd.timing.Timing;
import io.grpc.Context;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Finishes work even if the client that asked for it goes away, because nobody can use a task that
 * is half made or half deleted. Thread-safe.
 */
public final class Detached {
  private static final ScopedValue<Boolean> TO_THE_END = ScopedValue.newInstance();
  private static final ScopedValue<Context> CLIENT = ScopedValue.newInstance();

  private Detached() {}

  /** Answers a call on this thread, without being interrupted when the client goes away. */
  public static <A> void answer(StreamObserver<A> responses, Callable<A> work) {
    Context client = Context.current();
    client
        .fork()
        .run(() ->
            ScopedValue.where(TO_THE_END, true)
                .where(CLIENT, client)
                .run(() -> Calls.answerToTheEnd(responses, work)));
  }

  /**
   * Does work on this thread for a client that names what is made again if it gets no answer: a
   * creation in it is given up once the call's own context is cancelled, or its deadline passes.
   */
  public static void forClient(Context client, Runnable work) {
    ScopedValue.where(CLIENT, client).run(work);
  }

  /** The client's context; one that is never cancelled where no client waits for this thread. */
  static Context client() {
    return CLIENT.orElse(Context.ROOT);
  }

  private static <T extends @Nullable Object> T here(Callable<T> work) {
    try {
      return work.call();
    } catch (RuntimeException known) {
      throw known;
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Blocks for the result.
   *
   * @throws BerthException.Cancelled when the client goes away first; the work goes on
   */
  public static <T extends @Nullable Object> T run(Callable<T> work) {
    if (TO_THE_END.isBound()) {
      return here(work);
    }
    CompletableFuture<T> result = new CompletableFuture<>();
    Runnable body =
        Context.current()
            .fork()
            .wrap(() -> {
              try {
                result.complete(work.call());
              } catch (Exception | Error e) {
                result.completeExceptionally(e);
              }
            });
    Thread.ofVirtual().name("detached").start(Timing.carried(body));
    try {
      return result.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BerthException.Cancelled("the client went away", e);
    } catch (ExecutionException e) {
      throw switch (e.getCause()) {
        case RuntimeException known -> known;
        case null, default -> new IllegalStateException(e.getCause());
      };
    }
  }
}
