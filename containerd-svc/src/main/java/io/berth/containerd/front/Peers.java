package io.berth.containerd.front;

import io.grpc.ManagedChannel;
import java.nio.file.Path;

/** The services beside this one, by channels that find them whenever they come. */
public record Peers(
    ManagedChannel image, Path imageSocket, ManagedChannel network, Path networkSocket) {
  /** Ends both channels at once. */
  public void close() {
    image.shutdownNow();
    network.shutdownNow();
  }
}
