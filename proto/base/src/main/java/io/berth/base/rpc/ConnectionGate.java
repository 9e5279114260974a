package io.berth.base.rpc;

import io.netty.channel.ChannelFactory;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.MaxMessagesRecvByteBufAllocator;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.unix.PeerCredentials;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2FrameTypes;
import io.netty.util.AttributeKey;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

/**
 * Learns who has connected, and hangs up before anything is made for a connection on who is not
 * admitted, has too many, or comes too fast. The last two are told by a GOAWAY frame (RFC 9113,
 * 6.8), which clients show. To hang up must be cheaper than to connect: the kernel's queue of those
 * who wait to be accepted is short, and who finds it full is refused, whoever filled it. Only the
 * thread of the server channel calls it.
 */
final class ConnectionGate extends ChannelInboundHandlerAdapter {
  /** Who is on the other side of a connection. */
  static final AttributeKey<Peer> PEER = AttributeKey.valueOf(ConnectionGate.class, "peer");

  private static final Logger LOG = System.getLogger(ConnectionGate.class.getName());

  /** Connections that are accepted before others' bytes are read again. */
  private static final int AT_ONCE = 64;

  private static final long TOLD_EVERY = TimeUnit.MILLISECONDS.toNanos(1);

  private final Predicate<Peer> admitted;
  private final ClientLoad load;
  private final Rates rates;
  private final ByteBuffer words = ByteBuffer.allocateDirect(1 << 10);
  private long lastTold = System.nanoTime() - TOLD_EVERY;

  ConnectionGate(Predicate<Peer> admitted, ClientLoad load) {
    this.admitted = admitted;
    this.load = load;
    this.rates = new Rates(System::nanoTime);
  }

  /** Makes a server channel whose connections come through this gate. */
  ChannelFactory<ServerChannel> channels() {
    return () -> {
      EpollServerDomainSocketChannel channel = new EpollServerDomainSocketChannel();
      MaxMessagesRecvByteBufAllocator reads = channel.config().getRecvByteBufAllocator();
      reads.maxMessagesPerRead(AT_ONCE);
      channel.pipeline().addFirst(this);
      return channel;
    };
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object accepted) {
    if (!(accepted instanceof EpollDomainSocketChannel connection)) {
      context.fireChannelRead(accepted);
      return;
    }
    try {
      PeerCredentials credentials = connection.peerCredentials();
      Peer peer = new Peer(credentials.pid(), credentials.uid(), credentials.gids()[0]);
      if (admitted.test(peer)) {
        boolean often = !rates.take(peer);
        String refusal = often ? tooOften(peer) : load.refusal(peer);
        if (refusal == null) {
          connection.attr(PEER).set(peer);
          context.fireChannelRead(connection);
          return;
        }
        if (!often || mayTell()) {
          tell(connection, refusal);
        }
      }
    } catch (IOException gone) {
      LOG.log(Level.DEBUG, "refuse a connection: {0}", gone.getMessage());
    }
    connection.unsafe().closeForcibly();
  }

  /** Not everybody who comes in a crowd is told: words take longer than to hang up. */
  private boolean mayTell() {
    long now = System.nanoTime();
    if (now - lastTold < TOLD_EVERY) {
      return false;
    }
    lastTold = now;
    return true;
  }

  private void tell(EpollDomainSocketChannel connection, String refusal) throws IOException {
    words.clear();
    words.put(goAway(refusal)).flip();
    var _ = connection.fd().write(words, 0, words.limit());
  }

  private static String tooOften(Peer peer) {
    return "process "
        + peer.pid()
        + " connects to this socket too often and gets no connection now; use one for many calls";
  }

  /** What a server says at the least: empty settings, and why it goes. */
  static byte[] goAway(String why) {
    byte[] reason = why.getBytes(StandardCharsets.UTF_8);
    int length = 2 * Integer.BYTES + reason.length;
    return ByteBuffer.allocate(2 * 9 + length)
        .put(new byte[] {0, 0, 0, Http2FrameTypes.SETTINGS, 0, 0, 0, 0, 0})
        .put((byte) 0)
        .putShort((short) length)
        .put(Http2FrameTypes.GO_AWAY)
        .put((byte) 0)
        .putInt(0)
        .putInt(0)
        .putInt((int) Http2Error.ENHANCE_YOUR_CALM.code())
        .put(reason)
        .array();
  }

  /**
   * How often each process may connect: as many times as it likes at first, then as often as a
   * program can want to, and less where many do so.
   */
  static final class Rates {
    private static final double BURST = 200;
    private static final double ALL_EACH_SECOND = 200;
    private static final double LEAST_EACH_SECOND = 5;
    private static final long SWEEP = TimeUnit.SECONDS.toNanos(1);
    private static final long COUNT_AGAIN = TimeUnit.MILLISECONDS.toNanos(10);

    private static final class Bucket {
      double left = BURST;
      long since;

      Bucket(long now) {
        this.since = now;
      }
    }

    private final LongSupplier clock;

    /** Of those who connected in the last second or have not all of their burst. */
    private final Map<Peer, Bucket> buckets = new HashMap<>();

    private long swept;
    private long counted;

    /** Of those the ones that have used much of their burst: who connected once takes no part. */
    private long busy;

    Rates(LongSupplier clock) {
      this.clock = clock;
      this.swept = clock.getAsLong();
      this.counted = swept;
    }

    boolean take(Peer peer) {
      long now = clock.getAsLong();
      if (now - swept > SWEEP) {
        swept = now;
        buckets.values().removeIf(bucket -> fill(bucket, now) >= BURST);
      }
      if (now - counted > COUNT_AGAIN) {
        counted = now;
        busy = buckets.values().stream().filter(bucket -> bucket.left < BURST / 2).count();
      }
      Bucket bucket = buckets.computeIfAbsent(peer, _ -> new Bucket(now));
      if (fill(bucket, now) < 1) {
        return false;
      }
      bucket.left--;
      return true;
    }

    private double fill(Bucket bucket, long now) {
      double each = Math.max(LEAST_EACH_SECOND, ALL_EACH_SECOND / Math.max(1, busy));
      bucket.left = Math.min(BURST, bucket.left + (now - bucket.since) / 1e9 * each);
      bucket.since = now;
      return bucket.left;
    }
  }
}
