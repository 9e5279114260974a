package io.berth.base.rpc;

import io.grpc.Attributes;
import io.grpc.ServerCredentials;
import io.grpc.netty.GrpcHttp2ConnectionHandler;
import io.grpc.netty.InternalNettyServerCredentials;
import io.grpc.netty.InternalProtocolNegotiationEvent;
import io.grpc.netty.InternalProtocolNegotiator;
import io.grpc.netty.InternalProtocolNegotiators;
import io.grpc.netty.ProtocolNegotiationEvent;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http2.Http2ConnectionAdapter;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Stream;
import io.netty.util.AsciiString;

/**
 * Plain text HTTP/2 that gives a connection its peer, which {@link ConnectionGate} has learnt, and
 * its share of the event loop.
 *
 * <p>grpc-java has no public way to attach attributes to a server transport, so this is the one
 * class that uses its internal negotiator.
 */
final class PeerNegotiator implements InternalProtocolNegotiator.ProtocolNegotiator {
  private final InternalProtocolNegotiator.ProtocolNegotiator plaintext =
      InternalProtocolNegotiators.serverPlaintext();
  private final ClientLoad load;
  private final LoopShares shares;

  private PeerNegotiator(ClientLoad load, LoopShares shares) {
    this.load = load;
    this.shares = shares;
  }

  static ServerCredentials credentials(ClientLoad load, LoopShares shares) {
    return InternalNettyServerCredentials.create(new PeerNegotiator(load, shares));
  }

  @Override
  public AsciiString scheme() {
    return plaintext.scheme();
  }

  @Override
  public ChannelHandler newHandler(GrpcHttp2ConnectionHandler grpcHandler) {
    return new Credentials(plaintext.newHandler(grpcHandler), grpcHandler);
  }

  @Override
  public void close() {
    plaintext.close();
  }

  /**
   * Ends streams whose answer is whole while their client has not ended its side (RFC 9113, 8.1).
   * gRPC's server leaves them, and a client that opens ever more would fill the memory with them.
   */
  private static final class AnsweredStreams extends Http2ConnectionAdapter {
    private final Channel channel;
    private final GrpcHttp2ConnectionHandler protocol;

    AnsweredStreams(Channel channel, GrpcHttp2ConnectionHandler protocol) {
      this.channel = channel;
      this.protocol = protocol;
    }

    @Override
    public void onStreamHalfClosed(Http2Stream stream) {
      if (isAnswered(stream)) {
        // Not from within the protocol's own change of the stream.
        channel.eventLoop().execute(() -> reset(stream));
      }
    }

    private static boolean isAnswered(Http2Stream stream) {
      return stream.state() == Http2Stream.State.HALF_CLOSED_LOCAL;
    }

    private void reset(Http2Stream stream) {
      ChannelHandlerContext context = channel.pipeline().context(protocol);
      if (context != null && isAnswered(stream)) {
        long code = Http2Error.NO_ERROR.code();
        var _ = protocol.resetStream(context, stream.id(), code, context.newPromise());
        context.flush();
      }
    }
  }

  /** Stands before the plain text handler and enriches the event that starts it. */
  private final class Credentials extends ChannelInboundHandlerAdapter {
    private final ChannelHandler next;
    private final GrpcHttp2ConnectionHandler protocol;

    Credentials(ChannelHandler next, GrpcHttp2ConnectionHandler protocol) {
      this.next = next;
      this.protocol = protocol;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
      Channel channel = context.channel();
      Peer peer = channel.attr(ConnectionGate.PEER).get();
      if (peer == null) {
        context.pipeline().replace(this, null, next);
        return;
      }
      // The gate has looked, but those that it let through are counted by other threads.
      String refusal = load.connected(peer);
      if (refusal != null) {
        context
            .writeAndFlush(Unpooled.wrappedBuffer(ConnectionGate.goAway(refusal)))
            .addListener(ChannelFutureListener.CLOSE);
        return;
      }
      protocol.connection().addListener(new AnsweredStreams(channel, protocol));
      channel.closeFuture().addListener(_ -> load.disconnected(peer));
      Attributes attributes = Attributes.newBuilder().set(Peer.ATTRIBUTE, peer).build();
      ProtocolNegotiationEvent event =
          InternalProtocolNegotiationEvent.withAttributes(
              InternalProtocolNegotiationEvent.getDefault(), attributes);
      context.pipeline().addAfter(context.name(), null, next);
      shares.standBefore(channel, peer);
      context.fireUserEventTriggered(event);
      context.pipeline().remove(this);
    }
  }
}
