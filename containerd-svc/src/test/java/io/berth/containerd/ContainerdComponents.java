package io.berth.containerd;

import io.berth.base.config.Config;
import io.berth.containerd.shimprocess.ShimProcessLauncher;
import java.time.InstantSource;

/** Opens the component to tests in other packages. */
public final class ContainerdComponents {
  private ContainerdComponents() {}

  public static ContainerdComponent create(
      Config config, ShimProcessLauncher launcher, InstantSource clock) {
    return DaggerContainerdComponent.factory().create(config, launcher, clock);
  }
}
