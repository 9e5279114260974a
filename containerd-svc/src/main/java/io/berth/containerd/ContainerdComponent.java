package io.berth.containerd;

import dagger.BindsInstance;
import dagger.Component;
import io.berth.base.config.Config;
import io.berth.containerd.shimprocess.ShimProcessLauncher;
import jakarta.inject.Singleton;
import java.time.InstantSource;

/** The whole service. The outside world comes in through the factory. */
@Singleton
@Component(modules = {ContainerdModule.class, EndpointModule.class})
public interface ContainerdComponent {
  /** What main starts and stops. */
  ContainerdDaemon daemon();

  /** Takes configuration, clock, and the way shim processes are started. */
  @Component.Factory
  interface Factory {
    ContainerdComponent create(
        @BindsInstance Config config,
        @BindsInstance ShimProcessLauncher launcher,
        @BindsInstance InstantSource clock);
  }
}
