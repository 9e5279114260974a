package io.berth.containerd.front;

import io.grpc.ManagedChannel;
import java.nio.file.Path;

/**
 * The services beside this one. Their channels connect when they are used and again after a break,
 * so that either side may be started first.
 *
 * @param imageSocket for messages that name it
 * @param networkSocket for messages that name it
 */
public record Peers(
    ManagedChannel image, Path imageSocket, ManagedChannel network, Path networkSocket) {
  /** Ends both channels, and every call on them. */
  public void close() {
    image.shutdownNow();
    network.shutdownNow();
  }
}
