package io.berth.linux;

import java.nio.ByteOrder;
import java.util.Locale;

/**
 * The processor architectures whose syscall numbers and layouts are known here: x86-64 and arm64,
 * both little-endian.
 */
final class Arch {
  static final boolean ARM64 = isArm64();

  private Arch() {}

  /** The value of the architecture that runs. */
  static int pick(int x86, int arm) {
    return ARM64 ? arm : x86;
  }

  private static boolean isArm64() {
    String name = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
    boolean arm = name.equals("aarch64") || name.equals("arm64");
    boolean x86 = name.equals("amd64") || name.equals("x86_64");
    if ((!arm && !x86) || ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
      throw new UnsupportedOperationException(
          "architecture `" + name + "`: only x86-64 and arm64 are supported");
    }
    return arm;
  }
}
