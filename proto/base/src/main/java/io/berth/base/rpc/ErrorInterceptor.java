package io.berth.base.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.error.BerthException;
import io.berth.base.error.ErrorCodec;
import io.berth.base.error.ErrorDetails;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;

/**
 * Turns what an endpoint throws, or gives to {@code onError}, into a status, with the failure's
 * detail in the trailers for clients that take it. INTERNAL is logged with its stack; the rest is
 * the caller's business. The debug log has every call with its peer and its time.
 */
public final class ErrorInterceptor implements ServerInterceptor {
  private static final Logger LOG = System.getLogger(ErrorInterceptor.class.getName());

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    Once<Q, A> once = new Once<>(call, headers);
    ServerCall.Listener<Q> listener;
    try {
      listener = next.startCall(once, headers);
    } catch (RuntimeException e) {
      once.fail(e);
      return new ServerCall.Listener<>() {};
    }
    return new SimpleForwardingServerCallListener<>(listener) {
      @Override
      public void onMessage(Q message) {
        guarded(once, () -> super.onMessage(message));
      }

      @Override
      public void onHalfClose() {
        guarded(once, super::onHalfClose);
      }

      @Override
      public void onReady() {
        guarded(once, super::onReady);
      }

      @Override
      public void onCancel() {
        guarded(once, super::onCancel);
      }

      @Override
      public void onComplete() {
        guarded(once, super::onComplete);
      }
    };
  }

  private static void guarded(Once<?, ?> call, Runnable work) {
    try {
      work.run();
    } catch (RuntimeException e) {
      call.fail(e);
    }
  }

  /** A call that is closed at most once, with what the cause of its status means. */
  private static final class Once<Q, A> extends SimpleForwardingServerCall<Q, A> {
    private final long begin = LOG.isLoggable(Level.DEBUG) ? System.nanoTime() : 0;
    private final Metadata headers;

    /** Asked at the begin: a call that is handed on gets a header of this service's own. */
    private final boolean detailsWanted;

    @GuardedBy("this")
    private boolean closed;

    Once(ServerCall<Q, A> call, Metadata headers) {
      super(call);
      this.headers = headers;
      this.detailsWanted =
          ErrorDetails.areWanted(call.getMethodDescriptor().getFullMethodName(), headers);
    }

    @Override
    public void close(Status status, Metadata trailers) {
      Status mapped = status;
      if (status.getCause() instanceof BerthException known) {
        mapped = ErrorCodec.toStatus(known);
      } else if (status.getCode() == Status.Code.UNKNOWN
          && status.getCause() != null
          && status.getDescription() == null) {
        mapped = ErrorCodec.toStatus(status.getCause());
      }
      synchronized (this) {
        if (closed) {
          return;
        }
        closed = true;
      }
      if (!mapped.isOk() && detailsWanted) {
        ErrorDetails.markAnswer(trailers);
        if (mapped.getCause() instanceof BerthException known) {
          ErrorDetails.put(known, mapped, headers, trailers);
        }
      }
      log(mapped);
      super.close(mapped, trailers);
    }

    void fail(RuntimeException e) {
      close(ErrorCodec.toStatus(e), new Metadata());
    }

    private void log(Status status) {
      String method = getMethodDescriptor().getFullMethodName();
      if (status.getCode() == Status.Code.INTERNAL) {
        LOG.log(Level.ERROR, method + ": " + status.getDescription(), status.getCause());
      } else if (begin != 0) {
        LOG.log(
            Level.DEBUG,
            "{0} from {1}: {2} {3} in {4} us",
            method,
            Peer.describe(delegate()),
            status.getCode(),
            status.getDescription() == null ? "" : status.getDescription(),
            Long.toString((System.nanoTime() - begin) / 1_000));
      }
    }
  }
}
