package io.berth.network;

import io.berth.base.config.Config;
import io.berth.base.daemon.Daemon;
import io.berth.base.daemon.Program;
import io.berth.base.error.BerthException;
import io.berth.base.io.FolderLock;
import io.berth.linux.KernelFeature;
import io.berth.linux.net.NetworkNamespace;
import io.berth.network.endpoint.KeeperFactory;
import io.berth.network.endpoint.NetworkEngine;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;

/**
 * Starts network-svc: {@code berth-network --config FILE}. With {@code --remove-all} it takes
 * everything of the instance off this host instead and ends: endpoints, bridges, rules, the keeper.
 */
public final class NetworkMain {
  private static final String REMOVE_ALL = "--remove-all";

  private NetworkMain() {}

  public static void main(String[] arguments) {
    if (List.of(arguments).contains(REMOVE_ALL)) {
      System.exit(removeAll(arguments));
    }
    System.exit(Program.run("network", arguments, System.out, System.err, NetworkMain::daemon));
  }

  private static Daemon daemon(Config config) {
    return component(config).daemon();
  }

  private static NetworkComponent component(Config config) {
    return DaggerNetworkComponent.factory()
        .create(config, NetworkNamespace::own, KeeperFactory::standard, InstantSource.system());
  }

  private static int removeAll(String[] arguments) {
    int at = List.of(arguments).indexOf("--config");
    if (at < 0 || at + 1 >= arguments.length) {
      System.err.println("berth-network: " + REMOVE_ALL + " needs --config FILE");
      return 2;
    }
    try {
      Config config = Config.read(Path.of(arguments[at + 1]));
      Program.prepareFolders(config);
      var _ = KernelFeature.doWithout(config.withoutFeatures());
      // The lock keeps a running service from working on the same network.
      try (FolderLock _ = FolderLock.take(config.state(), "network")) {
        NetworkEngine engine = component(config).engine();
        engine.start();
        engine.removeAll();
        return 0;
      }
    } catch (IOException | BerthException e) {
      System.err.println("berth-network: " + e.getMessage());
      return 1;
    }
  }
}
