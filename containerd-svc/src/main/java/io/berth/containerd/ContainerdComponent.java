package io.berth.containerd;

import dagger.BindsInstance;
import dagger.Component;
import io.berth.base.config.Config;
import io.berth.containerd.shimprocess.ShimProcessLauncher;
import jakarta.inject.Singleton;
import java.time.InstantSource;

/** Makes the whole service, from what a test replaces and a program does not choose. */
@Singleton
@Component(modules = {ContainerdModule.class, EndpointModule.class})
public interface ContainerdComponent {
  /** The service, not started yet. */
  ContainerdDaemon daemon();

  /** Takes the configuration, the clock, and the way in which shim processes are started. */
  @Component.Factory
  interface Factory {
    ContainerdComponent create(
        @BindsInstance Config config,
        @BindsInstance ShimProcessLauncher launcher,
        @BindsInstance InstantSource clock);
  }
}
