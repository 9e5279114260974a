package io.berth.containerd;

import io.berth.base.daemon.Program;
import io.berth.base.error.BerthException;
import io.berth.containerd.host.ShimHostLauncher;
import java.time.InstantSource;

/** The program {@code berth-containerd}. */
public final class ContainerdMain {
  private ContainerdMain() {}

  /** See {@link Program}. */
  public static void main(String[] arguments) {
    int code =
        Program.run(
            "containerd",
            arguments,
            System.out,
            System.err,
            (config, rest) -> {
              if (!rest.isEmpty()) {
                throw new BerthException.InvalidArgument(
                    "unknown argument `" + rest.getFirst() + "`");
              }
              return DaggerContainerdComponent.factory()
                  .create(config, new ShimHostLauncher(config), InstantSource.system())
                  .daemon();
            });
    System.exit(code);
  }
}
