package io.berth.shim;

import dagger.BindsInstance;
import dagger.Component;
import io.berth.base.config.Config;
import javax.inject.Singleton;

/** The graph of a host process. */
@Singleton
@Component
interface HostComponent {
  HostDaemon daemon();

  /** With what comes from outside. */
  @Component.Factory
  interface Factory {
    HostComponent create(
        @BindsInstance Config config,
        @BindsInstance HostNumber number,
        @BindsInstance Runnable end);
  }
}
