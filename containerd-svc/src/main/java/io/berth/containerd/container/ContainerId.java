package io.berth.containerd.container;

import io.berth.base.error.BerthException;
import java.util.HexFormat;
import java.util.random.RandomGenerator;
import java.util.regex.Pattern;

/** Makes the ids of containers: 32 bytes from a random source as 64 hex digits. */
public final class ContainerId {
  /** How many digits of an id people are shown. */
  public static final int SHORT = 12;

  private static final int BYTES = 32;
  private static final Pattern WHOLE = Pattern.compile("[0-9a-f]{64}");

  private ContainerId() {}

  /**
   * A new id. Its first twelve digits, which become a host name, are never all decimal, because
   * programs would read such a name as a number.
   *
   * @param random a secure source; its bytes are the id
   */
  public static String generate(RandomGenerator random) {
    byte[] bytes = new byte[BYTES];
    while (true) {
      random.nextBytes(bytes);
      String id = HexFormat.of().formatHex(bytes);
      if (!isDecimal(id)) {
        return id;
      }
    }
  }

  /** The first twelve digits. */
  public static String shortened(String id) {
    return id.substring(0, Math.min(SHORT, id.length()));
  }

  /** Returns its argument. INVALID_ARGUMENT for an id that a client may not bring. */
  public static String check(String id) {
    if (!WHOLE.matcher(id).matches() || isDecimal(id)) {
      throw new BerthException.InvalidArgument(
          "container id `"
              + id
              + "`: must be 64 hex digits, of which the first twelve are not all decimal");
    }
    return id;
  }

  private static boolean isDecimal(String id) {
    return id.chars().limit(SHORT).allMatch(c -> c >= '0' && c <= '9');
  }
}
