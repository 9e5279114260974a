package io.berth.containerd;

import dagger.Module;
import dagger.Provides;
import io.berth.base.config.Config;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixChannel;
import io.berth.base.time.Sleeper;
import io.berth.base.time.Ticker;
import io.berth.containerd.api.ContainersEndpoint.TaskPresence;
import io.berth.containerd.client.ImageCalls;
import io.berth.containerd.client.ImageEmptiness;
import io.berth.containerd.client.NetworkCalls;
import io.berth.containerd.client.OutboxFollower;
import io.berth.containerd.client.Outboxes;
import io.berth.containerd.client.ShimProcessClient;
import io.berth.containerd.container.ContainerQueries;
import io.berth.containerd.event.EventBroker;
import io.berth.containerd.event.RecentEvents;
import io.berth.containerd.front.Peers;
import io.berth.containerd.metadata.Emptiness;
import io.berth.containerd.metadata.Store;
import io.berth.containerd.shimprocess.ShimProcessConnection;
import io.berth.containerd.task.Tasks;
import io.berth.containerd.timing.TimedCalls;
import jakarta.inject.Singleton;
import java.util.List;

/** The channels to the other services, and who asks them. */
@Module
final class ContainerdModule {
  private ContainerdModule() {}

  @Provides
  @Singleton
  static EventLoops loops() {
    // With one loop a forwarded message goes from one connection to the other on one thread.
    return new EventLoops(1);
  }

  @Provides
  @Singleton
  static Peers peers(Config config, EventLoops loops) {
    return new Peers(
        UnixChannel.to(loops, config.socket("image"), new TimedCalls()),
        config.socket("image"),
        UnixChannel.to(loops, config.socket("network"), new TimedCalls()),
        config.socket("network"));
  }

  @Provides
  @Singleton
  static Emptiness emptiness(Peers peers) {
    return new ImageEmptiness(peers.image(), peers.imageSocket());
  }

  @Provides
  static Sleeper sleeper() {
    return Sleeper.SYSTEM;
  }

  @Provides
  static Ticker ticker() {
    return Ticker.SYSTEM;
  }

  @Provides
  @Singleton
  static Outboxes outboxes(
      Peers peers,
      Store store,
      EventBroker broker,
      RecentEvents recent,
      ContainerQueries containers,
      Sleeper sleeper) {
    return new Outboxes(
        List.of(
            new OutboxFollower(
                "image", peers.image(), store, broker, recent, containers::completed, sleeper),
            new OutboxFollower(
                "network",
                peers.network(),
                store,
                broker,
                recent,
                containers::completed,
                sleeper)));
  }

  @Provides
  @Singleton
  static ImageCalls images(Peers peers) {
    return new ImageCalls(peers.image(), peers.imageSocket());
  }

  @Provides
  @Singleton
  static NetworkCalls networks(Peers peers) {
    return new NetworkCalls(peers.network(), peers.networkSocket());
  }

  @Provides
  static ShimProcessConnection.Connector shimProcesses(EventLoops loops) {
    return socket -> new ShimProcessClient(loops, socket);
  }

  @Provides
  static TaskPresence presence(Tasks tasks) {
    return tasks::isPresent;
  }
}
