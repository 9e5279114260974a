package io.berth.image;

import org.junit.jupiter.api.Tag;

/** The same with the snapshotter that copies. */
@Tag("root")
final class NativeRootfsIT extends RootfsIT {
  @Override
  String configuration() {
    return "[image]\nsnapshotter = \"native\"\n";
  }
}
