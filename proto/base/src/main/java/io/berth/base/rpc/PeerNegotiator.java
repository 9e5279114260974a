package io.berth.base.rpc;

import io.grpc.Attributes;
import io.grpc.ServerCredentials;
import io.grpc.netty.GrpcHttp2ConnectionHandler;
import io.grpc.netty.InternalNettyServerCredentials;
import io.grpc.netty.InternalProtocolNegotiationEvent;
import io.grpc.netty.InternalProtocolNegotiator;
import io.grpc.netty.InternalProtocolNegotiators;
import io.grpc.netty.ProtocolNegotiationEvent;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.unix.PeerCredentials;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2FrameTypes;
import io.netty.util.AsciiString;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.function.Predicate;

/**
 * Plain text HTTP/2 that learns the peer's credentials at accept and hangs up on peers that are not
 * admitted, and on those that have too many connections; these are told by a GOAWAY frame (RFC
 * 9113, 6.8), which clients show.
 *
 * <p>grpc-java has no public way to attach attributes to a server transport, so this is the one
 * class that uses its internal negotiator.
 */
final class PeerNegotiator implements InternalProtocolNegotiator.ProtocolNegotiator {
  private final InternalProtocolNegotiator.ProtocolNegotiator plaintext =
      InternalProtocolNegotiators.serverPlaintext();
  private final Predicate<Peer> admitted;
  private final ClientLoad load;

  private PeerNegotiator(Predicate<Peer> admitted, ClientLoad load) {
    this.admitted = admitted;
    this.load = load;
  }

  static ServerCredentials credentials(Predicate<Peer> admitted, ClientLoad load) {
    return InternalNettyServerCredentials.create(new PeerNegotiator(admitted, load));
  }

  @Override
  public AsciiString scheme() {
    return plaintext.scheme();
  }

  @Override
  public ChannelHandler newHandler(GrpcHttp2ConnectionHandler grpcHandler) {
    return new Credentials(plaintext.newHandler(grpcHandler), admitted, load);
  }

  @Override
  public void close() {
    plaintext.close();
  }

  /** Stands before the plain text handler and enriches the event that starts it. */
  private static final class Credentials extends ChannelInboundHandlerAdapter {
    private final ChannelHandler next;
    private final Predicate<Peer> admitted;
    private final ClientLoad load;

    Credentials(ChannelHandler next, Predicate<Peer> admitted, ClientLoad load) {
      this.next = next;
      this.admitted = admitted;
      this.load = load;
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
      String refusal = load.connected(peer);
      if (refusal != null) {
        context
            .writeAndFlush(goAway(context.alloc(), refusal))
            .addListener(ChannelFutureListener.CLOSE);
        return;
      }
      channel.closeFuture().addListener(_ -> load.disconnected(peer));
      Attributes attributes = Attributes.newBuilder().set(Peer.ATTRIBUTE, peer).build();
      ProtocolNegotiationEvent event =
          InternalProtocolNegotiationEvent.withAttributes(
              InternalProtocolNegotiationEvent.getDefault(), attributes);
      context.pipeline().addAfter(context.name(), null, next);
      context.fireUserEventTriggered(event);
      context.pipeline().remove(this);
    }

    /** What a server says at the least: empty settings, and why it goes. */
    private static ByteBuf goAway(ByteBufAllocator buffers, String why) {
      byte[] reason = why.getBytes(StandardCharsets.UTF_8);
      ByteBuf frames = buffers.buffer();
      frames.writeMedium(0).writeByte(Http2FrameTypes.SETTINGS).writeByte(0).writeInt(0);
      frames
          .writeMedium(2 * Integer.BYTES + reason.length)
          .writeByte(Http2FrameTypes.GO_AWAY)
          .writeByte(0)
          .writeInt(0)
          .writeInt(0)
          .writeInt((int) Http2Error.ENHANCE_YOUR_CALM.code())
          .writeBytes(reason);
      return frames;
    }
  }
}
