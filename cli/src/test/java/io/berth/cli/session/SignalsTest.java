package io.berth.cli.session;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.berth.linux.Signal;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What becomes of signals that arrive. */
final class SignalsTest {
  private static final Signals.Addressee NOBODY =
      new Signals.Addressee() {
        @Override
        public boolean ignores(int signal) {
          return true;
        }

        @Override
        public void defaultEffect(int signal) {}

        @Override
        public void kept(boolean kept) {}
      };

  @Test
  void aSignalThatNoThreadCouldBeStartedForComesWithTheNext() throws Exception {
    AtomicInteger made = new AtomicInteger();
    // More of a stack than there are addresses: there is no such thread.
    Signals signals =
        new Signals(
            NOBODY,
            task ->
                Thread.ofPlatform()
                    .daemon()
                    .stackSize(made.getAndIncrement() == 0 ? 1L << 55 : 0)
                    .unstarted(task));
    BlockingQueue<Integer> passed = new LinkedBlockingQueue<>();
    signals.passTo(passed::add);
    signals.arrive(Signal.SIGTERM.number());
    signals.arrive(Signal.SIGWINCH.number());
    assertEquals(Signal.SIGTERM.number(), passed.poll(10, TimeUnit.SECONDS));
    assertEquals(Signal.SIGWINCH.number(), passed.poll(10, TimeUnit.SECONDS));
    signals.end();
  }
}
