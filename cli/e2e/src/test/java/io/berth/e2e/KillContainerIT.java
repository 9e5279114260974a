package io.berth.e2e;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.RegisterExtension;

/** {@link KillCases} with {@code shim.isolation = "container"}. */
@Tag("root")
final class KillContainerIT extends KillCases {
  @RegisterExtension
  static final BerthInstance berth =
      new BerthInstance(BerthInstance.COLD + "[shim]\nisolation = \"container\"\n");

  @Override
  BerthInstance berth() {
    return berth;
  }
}
