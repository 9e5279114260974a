package io.berth.network;

import dagger.BindsInstance;
import dagger.Component;
import io.berth.base.config.Config;
import io.berth.network.endpoint.HostNamespace;
import io.berth.network.endpoint.KeeperFactory;
import io.berth.network.endpoint.NetworkEngine;
import jakarta.inject.Singleton;
import java.time.InstantSource;

/** Makes the service, without input, output or threads. */
@Singleton
@Component(modules = NetworkModule.class)
interface NetworkComponent {
  NetworkDaemon daemon();

  NetworkEngine engine();

  @Component.Factory
  interface Factory {
    NetworkComponent create(
        @BindsInstance Config config,
        @BindsInstance HostNamespace host,
        @BindsInstance KeeperFactory keepers,
        @BindsInstance InstantSource clock);
  }
}
