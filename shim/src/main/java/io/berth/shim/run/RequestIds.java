package io.berth.shim.run;

import io.berth.base.error.BerthException;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * Numbers of the operations that one call entails: the same call, repeated after a hand-over, has
 * the same ones, and the supervisor does none twice.
 */
public record RequestIds(long call) {
  private static final long SPREAD = 0x9e3779b97f4a7c15L;

  /**
   * The number in a call's header, 16 hex digits; without a header, one that nobody has used.
   *
   * @throws BerthException.InvalidArgument if the header is anything else
   */
  public static RequestIds of(@Nullable String header) {
    if (header == null || header.isEmpty()) {
      return new RequestIds(ThreadLocalRandom.current().nextLong());
    }
    try {
      return new RequestIds(Long.parseUnsignedLong(header, 16));
    } catch (NumberFormatException e) {
      throw new BerthException.InvalidArgument(
          "header berth-request-id `" + header + "`: not 16 hex digits", e);
    }
  }

  /** The number of the n-th operation of the call; never 0, which stands for none. */
  long operation(int n) {
    long mixed = (call + (n + 1) * SPREAD) * 0xbf58476d1ce4e5b9L;
    mixed ^= mixed >>> 31;
    return mixed == 0 ? 1 : mixed;
  }

  String text() {
    return String.format("%016x", call);
  }
}
