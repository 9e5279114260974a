package io.berth.base.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.error.BerthException;
import io.berth.base.error.ErrorCodec;
import io.grpc.Context;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerStreamTracer;
import io.grpc.Status;
import java.util.List;
import java.util.function.Predicate;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * What the processes on the other side of one server use of it, held within {@link ClientBounds}.
 * Who wants more is told so, RESOURCE_EXHAUSTED, and what it has goes on. Thread-safe.
 */
final class ClientLoad {
  private static final Context.Key<CallLoad> LOAD = Context.key("load");

  /** Of the calls that may be under way, one in so many may be refused and not be over yet. */
  private static final int REFUSED_PART = 2;

  private static final int LEAST_REFUSED = 64;

  /** So many a process may leave even while others leave all that there may be. */
  private static final int LEAST_OWED = 16;

  // grpc-java and Netty log, with its stack, whatever ends a stream or a connection while its bytes
  // are read or written. Here that is a client's own doing, of which it is told; one that does so
  // on purpose would fill the disk with megabytes a second. The loggers are held so that their
  // levels stay.
  private static final List<Logger> PROTOCOL_LOGS =
      List.of(Logger.getLogger("io.grpc.netty"), Logger.getLogger("io.netty.handler.codec.http2"));

  static {
    PROTOCOL_LOGS.forEach(log -> log.setLevel(Level.SEVERE));
  }

  private final ClientBounds bounds;
  private final Places<Peer> connections;
  private final Places<Peer> calls;
  private final Places<Peer> bytes;

  /**
   * A call that was refused stays until its answer has gone out, which is the client's to allow.
   */
  private final Places<Peer> refused;

  ClientLoad(ClientBounds bounds) {
    this.bounds = bounds;
    this.connections = new Places<>(bounds.connections(), bounds.connectionsEach());
    Predicate<Peer> whole = peer -> bounds.ownWhole() && peer.isOfOwnUser();
    this.calls = new Places<>(bounds.calls(), bounds.callsEach(), whole);
    this.bytes = new Places<>(bounds.bytes(), bounds.bytes(), whole);
    int most = Math.max(LEAST_REFUSED, bounds.calls() / REFUSED_PART);
    this.refused = new Places<>(most, most);
  }

  /** Why one connection more may not be served; null: it may. */
  @Nullable String refusal(Peer peer) {
    return connections.has(peer, 1) ? null : tooManyConnections(peer);
  }

  /**
   * One connection more: null if it may be served, else why not. What is taken is given back by
   * {@link #disconnected}.
   */
  @Nullable String connected(Peer peer) {
    return connections.take(peer, 1) ? null : tooManyConnections(peer);
  }

  private String tooManyConnections(Peer peer) {
    return "process "
        + peer.pid()
        + " has "
        + connections.heldBy(peer)
        + " connections to this socket and gets no more; use one for many calls, or raise"
        + " `clients.connections`, `clients.connections_per_process`";
  }

  void disconnected(Peer peer) {
    connections.free(peer, 1);
  }

  /** Whether this process has been refused so many calls, and not taken the answers, already. */
  boolean owes(Peer peer) {
    return refused.isFull(peer, LEAST_OWED);
  }

  /**
   * Streams of one connection: more than there are calls for one process, so that who wants too
   * many is told, and few enough that refusing them costs little.
   */
  int streams() {
    return (bounds.ownWhole() ? bounds.calls() : bounds.callsEach()) + 128;
  }

  /** Counts each call; to be given to the server beside {@link #interceptor}. */
  ServerStreamTracer.Factory counter() {
    return new ServerStreamTracer.Factory() {
      @Override
      public ServerStreamTracer newServerStreamTracer(String method, Metadata headers) {
        return new CallLoad();
      }
    };
  }

  /** Refuses calls that are too many, by what it throws. */
  ServerInterceptor interceptor() {
    return new ServerInterceptor() {
      @Override
      public <Q, A> ServerCall.Listener<Q> interceptCall(
          ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
        CallLoad load = LOAD.get();
        Peer peer = Peer.of(call);
        if (load == null || peer == null) {
          return next.startCall(call, headers);
        }
        try {
          load.begin(
              peer, call.getMethodDescriptor().getType().clientSendsOneMessage(), bytes(headers));
        } catch (BerthException.ResourceExhausted e) {
          load.refuse(peer);
          throw e;
        }
        return next.startCall(new Sending<>(call, load), headers);
      }
    };
  }

  private static long bytes(Metadata headers) {
    long sum = 0;
    for (String name : headers.keys()) {
      if (name.endsWith(Metadata.BINARY_HEADER_SUFFIX)) {
        for (byte[] value : all(headers, Metadata.Key.of(name, Metadata.BINARY_BYTE_MARSHALLER))) {
          sum += name.length() + value.length;
        }
      } else {
        for (String value : all(headers, Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER))) {
          sum += name.length() + value.length();
        }
      }
    }
    return sum;
  }

  private static <V> Iterable<V> all(Metadata headers, Metadata.Key<V> name) {
    Iterable<V> values = headers.getAll(name);
    return values == null ? List.of() : values;
  }

  /** A call whose answers wait only as far as they may. */
  private static final class Sending<Q, A> extends SimpleForwardingServerCall<Q, A> {
    private final CallLoad load;

    Sending(ServerCall<Q, A> call, CallLoad load) {
      super(call);
      this.load = load;
    }

    @Override
    public void sendMessage(A message) {
      load.send(isReady());
      super.sendMessage(message);
    }
  }

  /**
   * What one call holds: its place, the bytes of its headers and of its request, and those of
   * answers that were not read yet. gRPC calls it from the connection's thread; handlers send from
   * theirs, and either may be the last.
   */
  private final class CallLoad extends ServerStreamTracer {
    @GuardedBy("this")
    private @Nullable Peer peer;

    @GuardedBy("this")
    private boolean closed;

    /** Whose call this is, if it was refused. */
    @GuardedBy("this")
    private @Nullable Peer turnedAway;

    @GuardedBy("this")
    private boolean oneRequest;

    @GuardedBy("this")
    private long headers;

    @GuardedBy("this")
    private long request;

    @GuardedBy("this")
    private long answers;

    @Override
    public Context filterContext(Context context) {
      return context.withValue(LOAD, this);
    }

    synchronized void begin(Peer caller, boolean clientSendsOne, long headerBytes) {
      if (closed) {
        return;
      }
      if (!bytes.has(caller, headerBytes)) {
        throw tooManyBytes(caller);
      }
      if (!calls.take(caller, 1)) {
        throw new BerthException.ResourceExhausted(
            "process "
                + caller.pid()
                + " has "
                + calls.heldBy(caller)
                + " calls under way and gets no more; end some, or raise `clients.calls`,"
                + " `clients.calls_per_process`");
      }
      peer = caller;
      headers = headerBytes;
      bytes.force(caller, headers);
      oneRequest = clientSendsOne;
    }

    /** The call stays until its answer is taken. */
    synchronized void refuse(Peer caller) {
      if (!closed) {
        refused.force(caller, 1);
        turnedAway = caller;
      }
    }

    /** The bytes of a message arrive in pieces, and what never comes to its end is held as well. */
    @Override
    public synchronized void inboundWireSize(long size) {
      if (peer == null) {
        return;
      }
      if (!bytes.take(peer, size)) {
        throw ErrorCodec.toStatus(tooManyBytes(peer)).asRuntimeException();
      }
      request += size;
    }

    /** The only request of a call is held by its handler; one of a stream is handed on. */
    @Override
    public synchronized void inboundMessageRead(int number, long wireSize, long size) {
      if (peer != null && !oneRequest) {
        bytes.free(peer, request);
        request = 0;
      }
    }

    @Override
    public synchronized void outboundWireSize(long size) {
      if (peer != null) {
        bytes.force(peer, size);
        answers += size;
      }
    }

    /** Before each answer: those before it have been read, or there is room for one more. */
    synchronized void send(boolean isRead) {
      if (peer == null) {
        return;
      }
      if (isRead) {
        bytes.free(peer, answers);
        answers = 0;
      }
      if (!bytes.has(peer, 1)) {
        throw tooManyBytes(peer);
      }
    }

    private BerthException tooManyBytes(Peer caller) {
      return new BerthException.ResourceExhausted(
          "process "
              + caller.pid()
              + " has "
              + bytes.heldBy(caller)
              + " bytes of requests under way and of answers that it has not read, and gets no"
              + " more; read the answers, and make fewer calls at once");
    }

    @Override
    public synchronized void streamClosed(Status status) {
      closed = true;
      if (turnedAway != null) {
        refused.free(turnedAway, 1);
        turnedAway = null;
      }
      if (peer != null) {
        calls.free(peer, 1);
        bytes.free(peer, headers + request + answers);
        peer = null;
      }
    }
  }
}
