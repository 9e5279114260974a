package io.berth.e2e;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.RegisterExtension;

/** {@link KillCases} with {@code shim.isolation = "pool"}. */
@Tag("root")
final class KillPoolIT extends KillCases {
  @RegisterExtension
  static final BerthInstance berth =
      new BerthInstance(BerthInstance.COLD + "[shim]\nisolation = \"pool\"\n");

  @Override
  BerthInstance berth() {
    return berth;
  }
}
