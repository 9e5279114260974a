package io.berth.base.rpc;

import io.grpc.Attributes;
import io.grpc.ServerCredentials;
import io.grpc.netty.GrpcHttp2ConnectionHandler;
import io.grpc.netty.InternalNettyServerCredentials;
import io.grpc.netty.InternalProtocolNegotiationEvent;
import io.grpc.netty.InternalProtocolNegotiator;
import io.grpc.netty.InternalProtocolNegotiators;
import io.grpc.netty.ProtocolNegotiationEvent;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.unix.PeerCredentials;
import io.netty.util.AsciiString;
import java.io.IOException;
import java.util.function.Predicate;

/**
 * Plain text HTTP/2 that learns the peer's credentials at accept and hangs up on peers that are not
 * admitted.
 *
 * <p>grpc-java has no public way to attach attributes to a server transport, so this is the one
 * class that uses its internal negotiator.
 */
final class PeerNegotiator implements InternalProtocolNegotiator.ProtocolNegotiator {
  private final InternalProtocolNegotiator.ProtocolNegotiator plaintext =
      InternalProtocolNegotiators.serverPlaintext();
  private final Predicate<Peer> admitted;

  private PeerNegotiator(Predicate<Peer> admitted) {
    this.admitted = admitted;
  }

  static ServerCredentials credentials(Predicate<Peer> admitted) {
    return InternalNettyServerCredentials.create(new PeerNegotiator(admitted));
  }

  @Override
  public AsciiString scheme() {
    return plaintext.scheme();
  }

  @Override
  public ChannelHandler newHandler(GrpcHttp2ConnectionHandler grpcHandler) {
    return new Credentials(plaintext.newHandler(grpcHandler), admitted);
  }

  @Override
  public void close() {
    plaintext.close();
  }

  /** Stands before the plain text handler and enriches the event that starts it. */
  private static final class Credentials extends ChannelInboundHandlerAdapter {
    private final ChannelHandler next;
    private final Predicate<Peer> admitted;

    Credentials(ChannelHandler next, Predicate<Peer> admitted) {
      this.next = next;
      this.admitted = admitted;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) throws IOException {
      Channel channel = context.channel();
      if (!(channel instanceof EpollDomainSocketChannel unix)) {
        context.pipeline().replace(this, null, next);
        return;
      }
      PeerCredentials credentials = unix.peerCredentials();
      Peer peer = new Peer(credentials.pid(), credentials.uid(), credentials.gids()[0]);
      if (!admitted.test(peer)) {
        context.close();
        return;
      }
      Attributes attributes = Attributes.newBuilder().set(Peer.ATTRIBUTE, peer).build();
      ProtocolNegotiationEvent event =
          InternalProtocolNegotiationEvent.withAttributes(
              InternalProtocolNegotiationEvent.getDefault(), attributes);
      context.pipeline().addAfter(context.name(), null, next);
      context.fireUserEventTriggered(event);
      context.pipeline().remove(this);
    }
  }
}
