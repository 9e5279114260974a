package io.berth.containerd.api;

import io.berth.base.config.Config;
import io.berth.base.config.Key;
import io.berth.base.error.BerthException;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Peer;
import io.berth.base.rpc.Places;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;

/** Bounds how many streams of events processes read, of both kinds together. Thread-safe. */
@Singleton
final class EventReaders {
  private final Places<Peer> places;

  @Inject
  EventReaders(Config config) {
    this.places =
        new Places<>(
            config.number(Key.CONTAINERD_SUBSCRIPTIONS),
            config.number(Key.CONTAINERD_SUBSCRIPTIONS_PER_PROCESS));
  }

  /** The place of one stream, until it is closed. */
  interface Place extends AutoCloseable {
    @Override
    void close();
  }

  /** Takes a place for the calling process; RESOURCE_EXHAUSTED if it has as many as it gets. */
  Place take() {
    Peer peer = CallContext.peer();
    if (peer == null) {
      return () -> {};
    }
    if (!places.take(peer, 1)) {
      throw new BerthException.ResourceExhausted(
          "process "
              + peer.pid()
              + " has "
              + places.heldBy(peer)
              + " subscriptions to events and gets no more; use one for many readers, or raise"
              + " `containerd.subscriptions`, `containerd.subscriptions_per_process`");
    }
    return () -> places.free(peer, 1);
  }
}
