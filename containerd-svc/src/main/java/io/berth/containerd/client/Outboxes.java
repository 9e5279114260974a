package io.berth.containerd.client;

import java.time.Duration;
import java.util.List;

/** The outboxes of the other services, which are followed as long as this service runs. */
public final class Outboxes implements AutoCloseable {
  /** What somebody who asks for past events waits for a service that is slow. */
  private static final Duration PATIENCE = Duration.ofSeconds(1);

  private final List<OutboxFollower> followers;

  public Outboxes(List<OutboxFollower> followers) {
    this.followers = List.copyOf(followers);
  }

  /** Begins to follow. */
  public void start() {
    followers.forEach(OutboxFollower::start);
  }

  /** Waits until what had happened when this was called is told; a moment at most. */
  public void awaitTold() throws InterruptedException {
    for (OutboxFollower follower : followers) {
      follower.awaitTold(PATIENCE);
    }
  }

  @Override
  public void close() {
    followers.forEach(OutboxFollower::close);
  }
}
