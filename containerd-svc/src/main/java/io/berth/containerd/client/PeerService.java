package io.berth.containerd.client;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.error.BerthException;
import io.berth.base.rpc.Calls;
import io.berth.base.time.Sleeper;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthGrpc;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A service beside this one: calls on it, and the wait for one that is absent. However many threads
 * wait for the same service, only one thread asks it. Thread-safe.
 */
public final class PeerService {
  /**
   * After this time a service that hangs is asked anew; one that is continued (SIGCONT) answers the
   * question that it has already.
   */
  private static final Duration ASK_PATIENCE = Duration.ofSeconds(10);

  private static final Duration PAUSE = Duration.ofMillis(250);

  /** A service that has not answered within this time counts as absent. */
  private static final Duration SOON = Duration.ofMillis(500);

  private final ManagedChannel channel;
  private final Path socket;
  private final String program;

  @GuardedBy("this")
  private @Nullable CompletableFuture<Void> answer;

  @GuardedBy("this")
  private boolean absent;

  PeerService(ManagedChannel channel, Path socket, String program) {
    this.channel = channel;
    this.socket = socket;
    this.program = program;
  }

  ManagedChannel channel() {
    return channel;
  }

  /**
   * A call whose deadline is the stub's own. A service that is not there, that ends before it has
   * answered, or that lets the deadline pass, is a {@link BerthException.Absent}.
   */
  <A> A call(Calls.ClientCall<A> call) {
    try {
      return Calls.call(socket, program, call);
    } catch (BerthException.DeadlineExceeded e) {
      throw absent("no answer in time; does " + program + " hang?", e);
    } catch (BerthException.Cancelled e) {
      if (Thread.currentThread().isInterrupted() || Context.current().isCancelled()) {
        throw e;
      }
      // This side did not cancel: a service that is stopped in good order cancels the calls that it
      // has not answered.
      throw absent("it ended before it answered; is " + program + " running?", e);
    }
  }

  private BerthException absent(String why, BerthException cause) {
    return new BerthException.Absent(
        "ask `" + socket + "`: " + why + " (`berth-services status`)", cause);
  }

  /** Whether a thread waits for the service in vain right now. Does not ask the service. */
  public synchronized boolean isAbsent() {
    return absent;
  }

  /**
   * Blocks until the service answers.
   *
   * @param why is told once, if the answer does not come soon, what is waited for and what can be
   *     done about it
   */
  public void await(Consumer<String> why) throws InterruptedException {
    CompletableFuture<Void> wanted = asking();
    try {
      try {
        var _ = wanted.get(SOON.toMillis(), TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        missed(wanted);
        why.accept(
            "wait for "
                + program
                + ": `"
                + socket
                + "` does not answer; is it running? (`berth-services status`)");
        var _ = wanted.get();
      }
    } catch (ExecutionException e) {
      throw new IllegalStateException("an answer cannot fail", e);
    }
  }

  private synchronized CompletableFuture<Void> asking() {
    CompletableFuture<Void> present = answer;
    if (present != null) {
      return present;
    }
    CompletableFuture<Void> wanted = new CompletableFuture<>();
    answer = wanted;
    Thread.ofVirtual().name("await-" + program).start(() -> ask(wanted));
    return wanted;
  }

  private synchronized void missed(CompletableFuture<Void> wanted) {
    absent |= !wanted.isDone();
  }

  private synchronized void answered(CompletableFuture<Void> wanted) {
    answer = null;
    absent = false;
    wanted.complete(null);
  }

  // Asks until the service answers or this service ends.
  private void ask(CompletableFuture<Void> wanted) {
    try {
      while (!answers()) {
        if (channel.isShutdown()) {
          return;
        }
        Sleeper.SYSTEM.sleep(PAUSE);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    answered(wanted);
  }

  // Any answer counts, whatever it says of the service's health, for it shows that the service can
  // be asked.
  private boolean answers() {
    try {
      var _ =
          HealthGrpc.newBlockingStub(channel)
              .withDeadlineAfter(ASK_PATIENCE)
              .check(HealthCheckRequest.getDefaultInstance());
      return true;
    } catch (StatusRuntimeException e) {
      Code code = e.getStatus().getCode();
      return code != Code.UNAVAILABLE && code != Code.DEADLINE_EXCEEDED && code != Code.CANCELLED;
    }
  }
}
