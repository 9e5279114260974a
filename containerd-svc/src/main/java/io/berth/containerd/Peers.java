package io.berth.containerd;

import io.grpc.ManagedChannel;
import java.nio.file.Path;

/** The services beside this one, by channels that find them whenever they come. */
record Peers(ManagedChannel image, Path imageSocket, ManagedChannel network, Path networkSocket) {
  void close() {
    image.shutdownNow();
    network.shutdownNow();
  }
}
