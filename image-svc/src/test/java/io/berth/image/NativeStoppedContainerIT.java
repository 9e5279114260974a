package io.berth.image;

import org.junit.jupiter.api.Tag;

/** The same with the snapshotter that copies. */
@Tag("root")
final class NativeStoppedContainerIT extends StoppedContainerIT {
  @Override
  String configuration() {
    return "[image]\nsnapshotter = \"native\"\n";
  }
}
