package io.berth.cli.session;

import io.berth.linux.BlockedSignals;
import io.berth.linux.SyscallException;

/**
 * The signals of this process, for a line that is carried out by a process of its own.
 *
 * <p>A JVM keeps some signals for itself. So the program that starts it blocks all of them first
 * (see {@link BlockedSignals}), and one thread takes them here. A process that was started
 * otherwise leaves them to the JVM, and then none arrives here.
 */
public final class OwnSignals implements Signals.Addressee {
  private OwnSignals() {}

  /** Begins to take this process's signals; called once, by the program's main thread. */
  public static Signals attend() {
    Signals signals = new Signals(new OwnSignals());
    try {
      BlockedSignals blocked = BlockedSignals.open();
      if (blocked != null) {
        Thread.ofPlatform().daemon().name("blocked signals").start(() -> take(blocked, signals));
      }
    } catch (SyscallException e) {
      throw new IllegalStateException(e);
    }
    return signals;
  }

  private static void take(BlockedSignals blocked, Signals signals) {
    try {
      while (true) {
        signals.arrive(blocked.take());
      }
    } catch (SyscallException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public boolean ignores(int signal) {
    return BlockedSignals.isIgnored(signal);
  }

  @Override
  public void defaultEffect(int signal) {
    BlockedSignals.defaultEffect(signal);
  }

  @Override
  public void kept(boolean kept) {
    // All of them are blocked for good, whoever they are for.
  }
}
