package io.berth.network;

import io.berth.base.daemon.Program;
import io.berth.linux.net.NetworkNamespace;
import io.berth.network.endpoint.KeeperFactory;
import java.time.InstantSource;

/** Starts network-svc: {@code berth-network --config FILE}. */
public final class NetworkMain {
  private NetworkMain() {}

  public static void main(String[] arguments) {
    System.exit(
        Program.run(
            "network",
            arguments,
            System.out,
            System.err,
            (config, _) ->
                DaggerNetworkComponent.factory()
                    .create(
                        config,
                        NetworkNamespace::own,
                        KeeperFactory::standard,
                        InstantSource.system())
                    .daemon()));
  }
}
