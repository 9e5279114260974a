package io.berth.cli.session;

import io.grpc.Context;

/**
 * A call with a stream of answers that goes on beside other calls. Closing it ends it, which a
 * service may take for the end of its client.
 *
 * @param first its first answer
 * @param call the call's context, and nothing else's
 */
public record Begun<A>(A first, Context.CancellableContext call) implements AutoCloseable {
  @Override
  public void close() {
    call.cancel(null);
  }
}
