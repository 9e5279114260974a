package io.berth.containerd;

import io.berth.base.daemon.Program;
import io.berth.containerd.shimprocess.InstalledLauncher;
import java.time.InstantSource;

/** The program {@code berth-containerd}. */
public final class ContainerdMain {
  private ContainerdMain() {}

  /** Runs the service until a signal ends it; see {@link Program#run} for arguments and codes. */
  public static void main(String[] arguments) {
    int code =
        Program.run(
            "containerd",
            arguments,
            System.out,
            System.err,
            config ->
                DaggerContainerdComponent.factory()
                    .create(config, new InstalledLauncher(config), InstantSource.system())
                    .daemon());
    System.exit(code);
  }
}
