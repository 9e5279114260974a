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
    return new Credentials(plaintext.newHandler(grpcHandler));
  }

  @Override
  public void close() {
    plaintext.close();
  }

  /** Stands before the plain text handler and enriches the event that starts it. */
  private final class Credentials extends ChannelInboundHandlerAdapter {
    private final ChannelHandler next;

    Credentials(ChannelHandler next) {
      this.next = next;
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
