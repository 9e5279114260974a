package io.berth.base.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

// case S11
final class LoopSharesTest {
  private static final long MILLI = TimeUnit.MILLISECONDS.toNanos(1);
  private static final Peer PEER = new Peer(1, 0, 0);

  private long now = 1;
  private final LoopShares.Loop loop = new LoopShares.Loop(() -> now);

  private LoopShares.Account account(int pid) {
    return loop.account(new Peer(pid, 0, 0));
  }

  private void works(LoopShares.Account account, long nanos) {
    now += nanos;
    account.used(nanos);
  }

  @Test
  void whoIsAloneNeverWaits() {
    LoopShares.Account only = account(1);
    for (int i = 0; i < 1000; i++) {
      assertEquals(0, only.pause());
      works(only, MILLI);
    }
  }

  @Test
  void whoUsesMuchWaits_andWhoUsesLittleDoesNot() {
    LoopShares.Account greedy = account(1);
    LoopShares.Account modest = account(2);
    long worked = 0;
    long begin = now;
    for (int i = 0; i < 500; i++) {
      assertEquals(0, modest.pause(), "round " + i);
      works(modest, MILLI / 10);
      long wait = greedy.pause();
      if (wait == 0) {
        works(greedy, MILLI);
        worked += MILLI;
      } else {
        now += Math.min(wait, MILLI);
      }
    }
    assertTrue(worked < 0.65 * (now - begin), worked + " of " + (now - begin));
    assertTrue(worked > 0.4 * (now - begin), worked + " of " + (now - begin));
  }

  /** Many who use too much get together what one of them would get. */
  @Test
  void manyGreedyOnesLeaveTheOthersTheirPart() {
    List<LoopShares.Account> greedy = new ArrayList<>();
    for (int pid = 1; pid <= 64; pid++) {
      greedy.add(account(pid));
    }
    LoopShares.Account modest = account(100);
    long worked = 0;
    long begin = now;
    for (int round = 0; round < 2000; round++) {
      if (round % 10 == 0) {
        assertEquals(0, modest.pause(), "round " + round);
        works(modest, MILLI / 10);
      }
      for (LoopShares.Account one : greedy) {
        if (one.pause() == 0) {
          works(one, MILLI);
          worked += round < 200 ? 0 : MILLI;
        }
      }
      if (round == 200) {
        begin = now;
      }
      now += MILLI;
    }
    assertTrue(worked < 0.7 * (now - begin), worked + " of " + (now - begin));
  }

  @Test
  void whoConnectsAnewIsKnownStill() {
    LoopShares.Account other = account(2);
    LoopShares.Account greedy = account(1);
    works(greedy, 500 * MILLI);
    works(other, MILLI / 10);
    assertTrue(account(1).pause() > 0);
    now += 2000 * MILLI;
    assertEquals(0, account(1).pause());
  }

  // --- a connection

  /** What was handed on, by its sizes and its sum. */
  private static final class Taken extends ChannelInboundHandlerAdapter {
    final List<Integer> sizes = new ArrayList<>();
    int completed;
    Runnable afterEach = () -> {};

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
      completed++;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      ByteBuf bytes = (ByteBuf) message;
      sizes.add(bytes.readableBytes());
      bytes.release();
      afterEach.run();
    }

    int sum() {
      return sizes.stream().mapToInt(Integer::intValue).sum();
    }
  }

  private static EmbeddedChannel connection(Taken taken, AtomicBoolean behind) {
    EmbeddedChannel channel = new EmbeddedChannel(taken);
    new LoopShares(_ -> behind.get(), _ -> false).standBefore(channel, PEER);
    return channel;
  }

  private static ByteBuf bytes(int count) {
    return Unpooled.wrappedBuffer(new byte[count]);
  }

  /** Lets time pass for what was put off. */
  private static void goOn(EmbeddedChannel channel) {
    channel.advanceTimeBy(1, TimeUnit.SECONDS);
    channel.runScheduledPendingTasks();
    channel.runPendingTasks();
  }

  @Test
  void bytesAreHandedOnInPieces() {
    Taken taken = new Taken();
    EmbeddedChannel channel = connection(taken, new AtomicBoolean());
    channel.writeInbound(bytes(10_000));
    for (int i = 0; i < 100 && taken.sum() < 10_000; i++) {
      goOn(channel);
    }
    assertEquals(List.of(4096, 4096, 1808), taken.sizes);
    assertTrue(channel.config().isAutoRead());
    assertFalse(channel.finish());
  }

  /** Beside 64 who owe, a debt of twenty milliseconds would be paid back in two seconds. */
  @Test
  void timeInWhichOthersHaveTheProcessorIsNobodysUse() {
    AtomicLong worked = new AtomicLong();
    LoopShares shares = new LoopShares(_ -> false, _ -> false, () -> now, worked::get);
    Taken taken = new Taken();
    EmbeddedChannel channel = new EmbeddedChannel(taken);
    shares.standBefore(channel, PEER);
    LoopShares.Account other = shares.loop(channel.eventLoop()).account(new Peer(2, 0, 0));
    taken.afterEach =
        () -> {
          now += 100 * MILLI;
          worked.addAndGet(MILLI / 10);
          other.used(1);
        };
    for (int i = 1; i <= 10; i++) {
      channel.writeInbound(bytes(100));
      assertEquals(100 * i, taken.sum());
    }
    assertFalse(channel.finish());
  }

  @Test
  void whoDoesNotReadIsNotRead() {
    Taken taken = new Taken();
    EmbeddedChannel channel = connection(taken, new AtomicBoolean());
    channel.unsafe().outboundBuffer().setUserDefinedWritability(1, false);
    channel.writeInbound(bytes(100));
    goOn(channel);
    assertEquals(0, taken.sum());
    assertFalse(channel.config().isAutoRead());
    channel.unsafe().outboundBuffer().setUserDefinedWritability(1, true);
    channel.runPendingTasks();
    assertEquals(100, taken.sum());
    assertTrue(channel.config().isAutoRead());
    assertFalse(channel.finish());
  }

  /** Acknowledgements go out also while more is held back: nobody else would send them. */
  @Test
  void whatIsAnsweredIsSentWheneverReadingPauses() {
    Taken taken = new Taken();
    EmbeddedChannel channel = connection(taken, new AtomicBoolean());
    ChannelOutboundBuffer out = channel.unsafe().outboundBuffer();
    // As acknowledgements that nobody reads.
    taken.afterEach = () -> out.setUserDefinedWritability(1, false);
    channel.writeInbound(bytes(40_000));
    int completed = taken.completed;
    for (int pieces = 1; pieces < 5; pieces++) {
      assertEquals(pieces, taken.sizes.size());
      out.setUserDefinedWritability(1, true);
      channel.runPendingTasks();
      assertTrue(taken.completed > completed, "after piece " + pieces);
      completed = taken.completed;
    }
    channel.close();
    assertFalse(channel.finish());
  }

  /** This service may have stood still meanwhile, and the others may have gone. */
  @Test
  void nobodyPaysForLongForTimeThatPassed() {
    LoopShares.Account slow = account(1);
    LoopShares.Account other = account(2);
    works(other, MILLI / 10);
    works(slow, 6000 * MILLI);
    works(other, MILLI / 10);
    long waited = 0;
    for (long wait = slow.pause(); wait > 0; wait = slow.pause()) {
      assertTrue(wait <= 10 * MILLI, wait + " ns at once");
      waited += wait;
      now += wait;
      works(other, 1);
    }
    assertTrue(waited < 100 * MILLI, waited + " ns");
  }

  /** Only who is still there shares what the greedy ones get. */
  @Test
  void whoHasGoneIsNotGreedy() {
    LoopShares.Account stays = account(1);
    LoopShares.Account modest = account(2);
    for (int pid = 10; pid < 110; pid++) {
      works(account(pid), 5 * MILLI);
    }
    now += 2000 * MILLI;
    long worked = 0;
    long begin = now;
    while (now - begin < 1000 * MILLI) {
      works(modest, MILLI / 100);
      if (stays.pause() == 0) {
        works(stays, MILLI);
        worked += MILLI;
      } else {
        now += MILLI / 10;
      }
    }
    assertTrue(worked > 0.4 * (now - begin), worked + " of " + (now - begin));
  }

  @Test
  void whoseWorkWaitsIsNotRead() {
    Taken taken = new Taken();
    AtomicBoolean behind = new AtomicBoolean(true);
    EmbeddedChannel channel = connection(taken, behind);
    channel.writeInbound(bytes(100));
    goOn(channel);
    assertEquals(0, taken.sum());
    behind.set(false);
    goOn(channel);
    assertEquals(100, taken.sum());
    assertFalse(channel.finish());
  }
}
