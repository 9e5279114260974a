package io.berth.network;

import dagger.Module;
import dagger.Provides;
import io.berth.base.config.Config;
import io.berth.network.endpoint.NetworkSettings;

@Module
final class NetworkModule {
  private NetworkModule() {}

  @Provides
  static NetworkSettings settings(Config config) {
    return NetworkSettings.of(config);
  }
}
