package io.berth.containerd.warmup;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.config.Config;
import io.berth.base.config.Key;
import io.berth.base.error.BerthException;
import io.berth.base.time.ClientsFirst;
import io.berth.base.time.Sleeper;
import io.berth.base.time.Ticker;
import io.berth.containerd.client.WarmUpClient;
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
 * Runs containers through this service's own socket, one after another, until the rounds of the
 * configuration are over. Clients are served all the while, and it pauses for them. A warm-up that
 * fails because a process that it needs was killed clears up and is begun again, a few times; the
 * service never ends by it. Thread-safe.
 */
@Singleton
public final class WarmUp {
  private static final Logger LOG = System.getLogger(WarmUp.class.getName());

  /** Services are started side by side; one that is still absent after this will not come. */
  private static final Duration PEERS_PATIENCE = Duration.ofSeconds(20);

  /** Between two rounds, so that a thread that waits for a core gets it. */
  private static final Duration PAUSE = Duration.ofMillis(2);

  /** How often it is begun, if the end of a process breaks it off. */
  private static final int ATTEMPTS = 3;

  private static final Duration RETRY_PAUSE = Duration.ofMillis(500);

  /** How long a stop waits for the round that goes on. */
  private static final Duration LAST_ROUND = Duration.ofSeconds(10);

  /**
   * How long the JVM's compilers may take to finish after the last round; on a small machine that
   * is seconds.
   */
  private static final Duration SETTLING = Duration.ofSeconds(10);

  private static final Duration SETTLING_SAMPLE = Duration.ofMillis(250);

  /** The share of one core that an idle service needs at most. */
  private static final double IDLE_SHARE = 0.1;

  private final Config config;
  private final Sleeper sleeper;
  private final ClientsFirst clients;
  private volatile boolean ending;

  @GuardedBy("this")
  private @Nullable Thread thread;

  @Inject
  WarmUp(Config config, Sleeper sleeper, Ticker ticker) {
    this.config = config;
    this.sleeper = sleeper;
    this.clients = new ClientsFirst(ticker, sleeper);
  }

  /** Begins in the background, on a socket that answers; the callback comes once, at the end. */
  public synchronized void start(Runnable over) {
    thread = Thread.ofPlatform().name("warm-up").daemon().start(() -> run(over));
  }

  /**
   * Ends it after the round that goes on, so that nothing of it is left; blocks for that, seconds
   * at most. The socket must still answer.
   */
  public void stop() {
    ending = true;
    Thread running = running();
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

  private synchronized @Nullable Thread running() {
    return thread;
  }

  /** A client called: it needs the machine now. Never blocks. */
  public void clientCalled() {
    clients.clientCalled();
  }

  private void run(Runnable over) {
    long rounds = config.number(Key.CONTAINERD_WARM_ROUNDS);
    try {
      for (int attempt = 1; rounds > 0 && !isOver(rounds, attempt); attempt++) {
        sleeper.sleep(RETRY_PAUSE);
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

  /** False if something that it needs went away in its middle and may come again. */
  private boolean isOver(long rounds, int attempt) throws InterruptedException {
    try {
      runRounds(rounds);
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

  private void runRounds(long rounds) throws IOException, InterruptedException {
    long start = System.nanoTime();
    long last = 0;
    try (WarmUpClient client = new WarmUpClient(config, sleeper)) {
      awaitPeers(client);
      long round = 0;
      try {
        client.prepare();
        for (; round < rounds && !ending; round++) {
          clients.giveWay(() -> ending);
          long began = System.nanoTime();
          client.round(round);
          last = System.nanoTime() - began;
          sleeper.sleep(PAUSE);
        }
      } catch (StatusRuntimeException | BerthException e) {
        clearAfter(e, client);
        throw e;
      }
      client.clear();
      LOG.log(
          Level.INFO,
          "warmed by {0} containers in {1} ms, the last took {2} ms",
          Long.toString(round),
          Long.toString((System.nanoTime() - start) / 1_000_000),
          Long.toString(last / 1_000_000));
    }
  }

  /** Waits until this process needs no more than an idle one, or patience is over. */
  private void settle() throws InterruptedException {
    long deadline = System.nanoTime() + SETTLING.toNanos();
    Duration before = spent();
    Duration during;
    do {
      sleeper.sleep(SETTLING_SAMPLE);
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

  /** Removes what is left of the round that failed: nobody sees its container. */
  private void clearAfter(RuntimeException failure, WarmUpClient client)
      throws InterruptedException {
    try {
      awaitPeers(client);
      client.clear();
    } catch (StatusRuntimeException | BerthException | IOException e) {
      failure.addSuppressed(e);
    }
  }

  private void awaitPeers(WarmUpClient client) throws InterruptedException {
    long deadline = System.nanoTime() + PEERS_PATIENCE.toNanos();
    while (true) {
      try {
        client.greet();
        return;
      } catch (StatusRuntimeException e) {
        if (ending
            || e.getStatus().getCode() != Status.Code.UNAVAILABLE
            || System.nanoTime() > deadline) {
          throw e;
        }
      }
      sleeper.sleep(Duration.ofMillis(100));
    }
  }
}
