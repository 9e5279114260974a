package io.berth.image;

import io.berth.base.daemon.Program;
import java.time.InstantSource;

/** {@code berth-image --config FILE}. */
public final class ImageMain {
  private ImageMain() {}

  /** Runs until SIGTERM. */
  public static void main(String[] arguments) {
    System.exit(
        Program.run(
            "image",
            arguments,
            System.out,
            System.err,
            config ->
                DaggerImageComponent.factory().create(config, InstantSource.system()).daemon()));
  }
}
