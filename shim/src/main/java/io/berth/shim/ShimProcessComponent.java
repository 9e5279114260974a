package io.berth.shim;

import dagger.BindsInstance;
import dagger.Component;
import io.berth.base.rpc.EventLoops;
import io.berth.base.time.ClientsFirst;
import io.berth.shim.api.ShimProcessEndpoint;
import io.berth.shim.api.ShimProcessNumber;
import io.berth.shim.api.ShimTable;
import io.berth.shim.api.ShimWarmUp;
import io.berth.shim.run.ShimProcessServices;
import jakarta.inject.Singleton;

/** What a shim process serves, made once its machine has been looked at. */
@Singleton
@Component
interface ShimProcessComponent {
  ShimTable shims();

  ShimWarmUp warmUp();

  ShimProcessEndpoint endpoint();

  /** Makes it from what was opened before. */
  @Component.Factory
  interface Factory {
    /**
     * The objects of one process.
     *
     * @param clients what the warm-up gives way to
     * @param end called when the process has been drained
     */
    ShimProcessComponent create(
        @BindsInstance ShimProcessNumber number,
        @BindsInstance ShimProcessServices services,
        @BindsInstance EventLoops loops,
        @BindsInstance ClientsFirst clients,
        @BindsInstance Runnable end);
  }
}
