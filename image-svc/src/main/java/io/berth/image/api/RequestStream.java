package io.berth.image.api;

import io.berth.base.error.BerthException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * The receiving end of a client stream in straight-line code, with back pressure: messages are
 * asked for as they are taken, and at most {@link #AHEAD} wait.
 */
final class RequestStream<Q> implements StreamObserver<Q> {
  private static final int AHEAD = 4;

  /** One element of the queue. */
  private sealed interface Item<Q> {
    record Message<Q>(Q message) implements Item<Q> {}

    record End<Q>() implements Item<Q> {}

    record Gone<Q>(Throwable cause) implements Item<Q> {}
  }

  private final ServerCallStreamObserver<?> call;
  private final BlockingQueue<Item<Q>> queue = new LinkedBlockingQueue<>();
  private boolean ended;

  /** To be made in the handler of the call, before it returns. */
  RequestStream(StreamObserver<?> responses) {
    call = (ServerCallStreamObserver<?>) responses;
    call.disableAutoRequest();
    call.request(AHEAD);
  }

  /** Waits for the next message; null at the end. CANCELLED when the client has gone. */
  @Nullable Q next() {
    if (ended) {
      return null;
    }
    try {
      return switch (queue.take()) {
        case Item.Message<Q> item -> {
          call.request(1);
          yield item.message;
        }
        case Item.End<Q> _ -> {
          ended = true;
          yield null;
        }
        case Item.Gone<Q> gone ->
            throw new BerthException.Cancelled("the client ended the stream", gone.cause);
      };
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BerthException.Cancelled("the client ended the stream", e);
    }
  }

  @Override
  public void onNext(Q message) {
    queue.add(new Item.Message<>(message));
  }

  @Override
  public void onError(Throwable cause) {
    queue.add(new Item.Gone<>(cause));
  }

  @Override
  public void onCompleted() {
    queue.add(new Item.End<>());
  }
}
