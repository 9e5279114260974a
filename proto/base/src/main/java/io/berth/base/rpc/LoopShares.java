package io.berth.base.rpc;

import io.berth.linux.ThreadClock;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.EventLoop;
import io.netty.channel.MaxMessagesRecvByteBufAllocator;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Shares the time of event loops among the processes whose bytes they read. What a process sends is
 * taken in small pieces, and the time that each takes is counted: who has used more than his part
 * waits with the rest of it, in his own socket's buffer, and who asks little never waits behind
 * him. It does not matter what the bytes are: resets, pings, headers without end or honest calls.
 */
final class LoopShares {
  /** Bytes that are handed on at once: some hundred of the smallest frames. */
  private static final int PIECE = 4 << 10;

  /** What a process may use at once that has used nothing for a while. */
  private static final long BURST = TimeUnit.MILLISECONDS.toNanos(2);

  /** After so much one connection lets the others of its loop be read. */
  private static final long TURN = TimeUnit.MILLISECONDS.toNanos(1);

  /** How long another process counts as present after it has sent something. */
  private static final long PRESENCE = TimeUnit.MILLISECONDS.toNanos(200);

  private static final long COUNT_AGAIN = TimeUnit.MILLISECONDS.toNanos(10);

  /** The part of a loop's time that all who use too much get together while others are present. */
  private static final double PART = 0.6;

  /** Until it is looked again whether what was read before has been worked on. */
  private static final long WORK_PAUSE = TimeUnit.MILLISECONDS.toNanos(1);

  private static final long LEAST_PAUSE = TimeUnit.MICROSECONDS.toNanos(100);

  /** After so long it is looked again: the others may have gone meanwhile. */
  private static final long LONGEST_PAUSE = TimeUnit.MILLISECONDS.toNanos(10);

  /** What a process can owe at most: not all that its bytes have done need be its doing. */
  private static final long MOST_DEBT = 10 * BURST;

  /**
   * For so long a connection is not read at most because its process' calls wait for their turn:
   * also its pings are not answered meanwhile, and it would take this service for dead.
   */
  private static final long LONGEST_WORK_PAUSE = TimeUnit.SECONDS.toNanos(2);

  private final Map<EventLoop, Loop> loops = new ConcurrentHashMap<>();
  private final Predicate<Peer> isBehind;
  private final Predicate<Peer> owes;
  private final LongSupplier clock;
  private final LongSupplier work;

  /**
   * @param isBehind whether so much of what a process sent before waits to be worked on that no
   *     more is to be read of it
   * @param owes whether a process leaves so many answers that no more is to be read of it; if that
   *     lasts, it is hung up on
   */
  LoopShares(Predicate<Peer> isBehind, Predicate<Peer> owes) {
    this(isBehind, owes, System::nanoTime, ThreadClock::nanos);
  }

  /**
   * @param clock nanoseconds that pass
   * @param work nanoseconds for which the calling thread has had a processor. Only these are a
   *     process' use: where many want the processors, most of the time that passes while its bytes
   *     are read is others'
   */
  LoopShares(
      Predicate<Peer> isBehind, Predicate<Peer> owes, LongSupplier clock, LongSupplier work) {
    this.isBehind = isBehind;
    this.owes = owes;
    this.clock = clock;
    this.work = work;
  }

  /** Stands before all handlers of a new connection; called by its event loop. */
  void standBefore(Channel channel, Peer peer) {
    MaxMessagesRecvByteBufAllocator reads = channel.config().getRecvByteBufAllocator();
    reads.maxMessagesPerRead(1);
    channel.pipeline().addFirst(new Reading(loop(channel.eventLoop()).account(peer), peer));
  }

  Loop loop(EventLoop thread) {
    return loops.computeIfAbsent(thread, _ -> new Loop(clock));
  }

  /** The accounts of one event loop; only its thread uses them. */
  static final class Loop {
    private final LongSupplier clock;
    private final Map<Peer, Account> accounts = new HashMap<>();

    /** Processes that use more than their equal part. */
    private int greedy;

    /** Processes that have sent something lately. */
    private int present;

    private long counted;
    private long lastSweep;

    Loop(LongSupplier clock) {
      this.clock = clock;
      this.lastSweep = clock.getAsLong();
      this.counted = lastSweep;
    }

    Account account(Peer peer) {
      long now = clock.getAsLong();
      if (now - lastSweep > PRESENCE) {
        lastSweep = now;
        accounts.values().removeIf(account -> account.isForgettable(now));
      }
      return accounts.computeIfAbsent(peer, _ -> new Account(this, now));
    }

    private void count(long now) {
      if (now - counted > COUNT_AGAIN) {
        counted = now;
        present = 0;
        for (Account account : accounts.values()) {
          if (now - account.lastUse < PRESENCE) {
            present++;
          }
        }
        // Who asks for nothing any more is not greedy for long.
        accounts.values().forEach(account -> account.grow(now));
      }
    }
  }

  /** What one process may still use of one loop. */
  static final class Account {
    private final Loop loop;

    /**
     * Grows by an equal part of the loop for each who is present: who lets it run out is greedy.
     */
    private long fair = BURST;

    /** Grows by what the greedy ones get, of whom there may be few: who lets it run out waits. */
    private long left = BURST;

    private long since;
    private long lastUse;
    private boolean greedy;
    private int connections;

    Account(Loop loop, long now) {
      this.loop = loop;
      this.since = now;
      this.lastUse = now - PRESENCE;
    }

    /** Nanoseconds to wait before more of it is read; none: now. */
    long pause() {
      long now = loop.clock.getAsLong();
      loop.count(now);
      grow(now);
      if (left > 0 || isAlone(now)) {
        return 0;
      }
      return Math.clamp((long) (-left / rate(now)), LEAST_PAUSE, LONGEST_PAUSE);
    }

    private void grow(long now) {
      fair = grown(fair, now, isAlone(now) ? 1 : PART / Math.max(1, loop.present));
      left = grown(left, now, rate(now));
      since = now;
      note();
    }

    private boolean isAlone(long now) {
      return loop.present <= (now - lastUse < PRESENCE ? 1 : 0);
    }

    private double rate(long now) {
      return isAlone(now) ? 1 : PART / Math.max(1, loop.greedy);
    }

    private long grown(long amount, long now, double rate) {
      return Math.min(BURST, amount + (long) ((now - since) * rate));
    }

    void used(long nanos) {
      long now = loop.clock.getAsLong();
      if (now - lastUse >= PRESENCE) {
        loop.counted = now - 2 * COUNT_AGAIN;
      }
      // What it got until now counts before what it used, or a long use would pay for itself.
      grow(now);
      lastUse = now;
      fair = Math.max(-BURST, fair - nanos);
      left = Math.max(-MOST_DEBT, left - nanos);
      note();
    }

    private void note() {
      if (greedy != fair <= 0) {
        greedy = !greedy;
        loop.greedy += greedy ? 1 : -1;
      }
    }

    // A process that ends its connections and comes again does not begin anew.
    private boolean isForgettable(long now) {
      var _ = pause();
      return connections == 0 && left == BURST && fair == BURST && now - lastUse > PRESENCE;
    }
  }

  /** One connection: what came over it and was not handed on yet. Only its loop's thread. */
  private final class Reading extends ChannelDuplexHandler {
    private final Account account;
    private final Peer peer;
    private @Nullable ByteBuf rest;
    private boolean paused;
    private boolean unread;
    private boolean ended;

    /** Since when it waits for its process' calls; 0: it does not. */
    private long behindSince;

    /** Since when its process leaves too many answers, as far as this connection has seen; or 0. */
    private long owingSince;

    Reading(Account account, Peer peer) {
      this.account = account;
      this.peer = peer;
      account.connections++;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      ByteBuf bytes = (ByteBuf) message;
      ByteBuf before = rest;
      rest = before == null ? bytes : Unpooled.wrappedBuffer(before, bytes);
      if (!paused) {
        handOn(context);
      }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
      if (!paused) {
        context.fireChannelReadComplete();
      }
    }

    /**
     * Who does not read what he is answered is not read either: acknowledgements, headers and
     * resets are held back by no window of HTTP/2.
     */
    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
      context.fireChannelWritabilityChanged();
      if (unread && context.channel().isWritable()) {
        unread = false;
        context.executor().execute(() -> handOn(context));
      }
    }

    // HTTP/2's decoder asks for more by itself when nothing is read automatically.
    @Override
    public void read(ChannelHandlerContext context) {
      if (!paused) {
        context.read();
      }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      forget();
      context.fireChannelInactive();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
      forget();
    }

    // What came and was not handed on is dropped: nobody waits for an answer any more.
    private void forget() {
      account.connections -= ended ? 0 : 1;
      ended = true;
      ByteBuf bytes = rest;
      rest = null;
      if (bytes != null) {
        bytes.release();
      }
    }

    private void handOn(ChannelHandlerContext context) {
      long start = clock.getAsLong();
      long now = start;
      long worked = work.getAsLong();
      while (!ended && rest != null) {
        if (!context.channel().isWritable()) {
          unread = true;
          pause(context);
          return;
        }
        boolean owing = owes.test(peer);
        if (!owing) {
          owingSince = 0;
        } else if (owingSince == 0) {
          owingSince = now;
        } else if (now - owingSince >= LONGEST_WORK_PAUSE) {
          hangUp(context);
          return;
        }
        long pause = owing || isHeldBack(now) ? WORK_PAUSE : account.pause();
        if (pause == 0 && now - start >= TURN) {
          pause = LEAST_PAUSE;
        }
        if (pause > 0) {
          pause(context);
          context.executor().schedule(() -> handOn(context), pause, TimeUnit.NANOSECONDS);
          return;
        }
        context.fireChannelRead(next(rest));
        long then = work.getAsLong();
        account.used(then - worked);
        worked = then;
        now = clock.getAsLong();
      }
      resume(context);
    }

    private boolean isHeldBack(long now) {
      if (!isBehind.test(peer)) {
        behindSince = 0;
        return false;
      }
      if (behindSince == 0) {
        behindSince = now;
      }
      if (now - behindSince < LONGEST_WORK_PAUSE) {
        return true;
      }
      behindSince = now;
      return false;
    }

    // The protocol's own handlers would wait for the streams, and none of those ends.
    private void hangUp(ChannelHandlerContext context) {
      String why = "process " + peer.pid() + " does not take what it is answered";
      var _ = context.writeAndFlush(Unpooled.wrappedBuffer(ConnectionGate.goAway(why)));
      var _ = context.close();
    }

    private ByteBuf next(ByteBuf bytes) {
      if (bytes.readableBytes() > PIECE) {
        return bytes.readRetainedSlice(PIECE);
      }
      rest = null;
      return bytes;
    }

    private void pause(ChannelHandlerContext context) {
      if (!paused) {
        paused = true;
        context.channel().config().setAutoRead(false);
      }
      // What was answered so far goes out meanwhile. Without that nothing would tell when more can
      // be written, nor that the other side has gone.
      context.fireChannelReadComplete();
    }

    private void resume(ChannelHandlerContext context) {
      if (paused && !ended) {
        paused = false;
        context.fireChannelReadComplete();
        context.channel().config().setAutoRead(true);
      }
    }
  }
}
