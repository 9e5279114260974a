package io.berth.base.rpc;

import com.google.protobuf.Timestamp;
import java.time.Instant;

/** Translates {@link Instant} to {@link Timestamp} and back. */
public final class Timestamps {
  private Timestamps() {}

  /** A moment for the wire. */
  public static Timestamp of(Instant instant) {
    return Timestamp.newBuilder()
        .setSeconds(instant.getEpochSecond())
        .setNanos(instant.getNano())
        .build();
  }

  /**
   * A moment from the wire, where clients send the year 1 and worse; what Java cannot express
   * becomes the beginning of 1970.
   */
  public static Instant instant(Timestamp timestamp) {
    long seconds = timestamp.getSeconds();
    return seconds < Instant.MIN.getEpochSecond() || seconds > Instant.MAX.getEpochSecond()
        ? Instant.EPOCH
        : Instant.ofEpochSecond(seconds)
            .plusNanos(Math.clamp(timestamp.getNanos(), 0, 999_999_999));
  }
}
