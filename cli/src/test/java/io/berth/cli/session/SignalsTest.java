package io.berth.cli.session;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.berth.linux.Signal;
import java.util.List;
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

  /** A container that is between its creation and its first instruction has nobody to take one. */
  @Test // case L12
  void signalsWaitForTheProgramTheyAreFor() throws Exception {
    BlockingQueue<Integer> byDefault = new LinkedBlockingQueue<>();
    Signals signals = new Signals(onlyTelling(byDefault));
    signals.hold();
    signals.arrive(Signal.SIGTERM.number());
    signals.arrive(Signal.SIGHUP.number());
    BlockingQueue<Integer> passed = new LinkedBlockingQueue<>();
    signals.passTo(passed::add);
    assertEquals(Signal.SIGTERM.number(), passed.poll(10, TimeUnit.SECONDS));
    assertEquals(Signal.SIGHUP.number(), passed.poll(10, TimeUnit.SECONDS));
    signals.end();
    assertEquals(List.of(), List.copyOf(byDefault));
  }

  /** The start of the container has failed: the signal is the line's own. */
  @Test // case L12
  void signalsThatWaitedForAProgramThatNeverRan_haveTheirDefaultEffect() throws Exception {
    BlockingQueue<Integer> byDefault = new LinkedBlockingQueue<>();
    Signals signals = new Signals(onlyTelling(byDefault));
    signals.hold();
    signals.arrive(Signal.SIGTERM.number());
    signals.release();
    assertEquals(Signal.SIGTERM.number(), byDefault.poll(10, TimeUnit.SECONDS));
    signals.end();
  }

  private static Signals.Addressee onlyTelling(BlockingQueue<Integer> byDefault) {
    return new Signals.Addressee() {
      @Override
      public boolean ignores(int signal) {
        return false;
      }

      @Override
      public void defaultEffect(int signal) {
        byDefault.add(signal);
      }

      @Override
      public void kept(boolean kept) {}
    };
  }
}
