package io.berth.containerd.warm;

import io.berth.base.config.Config;
import io.berth.base.config.Key;
import io.berth.base.error.BerthException;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Walks containers through this service's own socket, one after another, until the rounds of the
 * configuration are over. Clients are served all the while, and it pauses for them. A walk that
 * fails, for a process that it needs was killed, clears up and is begun again, a few times; the
 * service never ends by it.
 */
@Singleton
public final class WarmUp {
  private static final Logger LOG = System.getLogger(WarmUp.class.getName());

  /** Services are started side by side; one that is still absent after this is not to come. */
  private static final Duration PEERS_PATIENCE = Duration.ofSeconds(20);

  /** Between two rounds, so that whoever waits for a core gets it. */
  private static final Duration PAUSE = Duration.ofMillis(2);

  /** Walks that are begun when the ones before were broken off by the end of a process. */
  private static final int ATTEMPTS = 3;

  private static final Duration RETRY_PAUSE = Duration.ofMillis(500);

  /** For the round that goes on when the service is to stop. */
  private static final Duration LAST_ROUND = Duration.ofSeconds(10);

  /** What the compilers still have to do when the walk is over takes seconds on a small machine. */
  private static final Duration SETTLING = Duration.ofSeconds(10);

  private static final Duration SETTLING_SAMPLE = Duration.ofMillis(250);

  /** Of one core: that much an idle service needs at most. */
  private static final double IDLE_SHARE = 0.1;

  private final Config config;

  /** A client that called within this is at work, and what it waits for comes first. */
  private static final Duration CLIENTS_TURN = Duration.ofMillis(300);

  /** For all clients together: whoever calls without end warms as well as this does. */
  private static final Duration CLIENTS_PATIENCE = Duration.ofSeconds(20);

  private volatile boolean ending;
  private volatile long lastCall = System.nanoTime() - CLIENTS_TURN.toNanos();
  private @Nullable Thread thread;

  @Inject
  WarmUp(Config config) {
    this.config = config;
  }

  /** Begins in the background, on a socket that answers; the callback comes once, at the end. */
  public void start(Runnable over) {
    thread = Thread.ofPlatform().name("warm-up").daemon().start(() -> run(over));
  }

  /**
   * Ends it after the round that goes on, so that nothing of it is left; blocks for that, seconds
   * at most. The socket must still answer.
   */
  public void stop() {
    ending = true;
    Thread running = thread;
    if (running == null) {
      return;
    }
    try {
      if (!running.join(LAST_ROUND)) {
        running.interrupt();
      }
    } catch (InterruptedException e) {
      running.interrupt();
      Thread.currentThread().interrupt();
    }
  }

  /** Somebody else needs the machine now. Never blocks. */
  public void clientCalled() {
    lastCall = System.nanoTime();
  }

  private void run(Runnable over) {
    long rounds = config.number(Key.CONTAINERD_WARM_ROUNDS);
    try {
      for (int attempt = 1; rounds > 0 && !walked(rounds, attempt); attempt++) {
        Thread.sleep(RETRY_PAUSE);
      }
      if (rounds > 0) {
        settle();
      }
    } catch (InterruptedException e) {
      return;
    }
    if (!ending) {
      over.run();
    }
  }

  /** False: what it needs went away in its middle, and may come again. */
  private boolean walked(long rounds, int attempt) throws InterruptedException {
    try {
      walk(rounds);
      return true;
    } catch (IOException | StatusRuntimeException | BerthException e) {
      boolean last = ending || attempt == ATTEMPTS;
      LOG.log(
          ending ? Level.DEBUG : Level.INFO,
          "warm up: {0}; {1}",
          e.getMessage(),
          last ? "the first containers will take longer" : "once more");
      return last;
    }
  }

  private void walk(long rounds) throws IOException, InterruptedException {
    long start = System.nanoTime();
    long last = 0;
    long patience = CLIENTS_PATIENCE.toNanos();
    try (ClientWalk walk = new ClientWalk(config)) {
      awaitPeers(walk);
      long round = 0;
      try {
        walk.prepare();
        for (; round < rounds && !ending; round++) {
          patience -= giveWay(patience);
          long began = System.nanoTime();
          walk.round(round);
          last = System.nanoTime() - began;
          Thread.sleep(PAUSE);
        }
      } catch (StatusRuntimeException | BerthException e) {
        clearAfter(e, walk);
        throw e;
      }
      walk.clear();
      LOG.log(
          Level.INFO,
          "warmed by {0} containers in {1} ms, the last took {2} ms",
          Long.toString(round),
          Long.toString((System.nanoTime() - start) / 1_000_000),
          Long.toString(last / 1_000_000));
    }
  }

  /** Until this process is quiet, whatever else it does, or patience is over. */
  private void settle() throws InterruptedException {
    long deadline = System.nanoTime() + SETTLING.toNanos();
    Duration before = spent();
    Duration during;
    do {
      Thread.sleep(SETTLING_SAMPLE);
      Duration now = spent();
      during = now.minus(before);
      before = now;
    } while (during.toNanos() > IDLE_SHARE * SETTLING_SAMPLE.toNanos()
        && System.nanoTime() < deadline
        && !ending);
  }

  private static Duration spent() {
    return ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO);
  }

  /** Answers how long it took, in nanoseconds. */
  private long giveWay(long patience) throws InterruptedException {
    long begin = System.nanoTime();
    long now = begin;
    while (now - lastCall < CLIENTS_TURN.toNanos() && now - begin < patience && !ending) {
      Thread.sleep(PAUSE);
      now = System.nanoTime();
    }
    return now - begin;
  }

  /** A container that nobody sees is to stay in no case that can be helped. */
  private void clearAfter(RuntimeException failure, ClientWalk walk) throws InterruptedException {
    try {
      awaitPeers(walk);
      walk.clear();
    } catch (StatusRuntimeException | BerthException | IOException e) {
      failure.addSuppressed(e);
    }
  }

  private void awaitPeers(ClientWalk walk) throws InterruptedException {
    long deadline = System.nanoTime() + PEERS_PATIENCE.toNanos();
    while (true) {
      try {
        walk.greet();
        return;
      } catch (StatusRuntimeException e) {
        if (ending
            || e.getStatus().getCode() != Status.Code.UNAVAILABLE
            || System.nanoTime() > deadline) {
          throw e;
        }
      }
      Thread.sleep(Duration.ofMillis(100));
    }
  }
}
