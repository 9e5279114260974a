package io.berth.base.id;

import io.berth.base.error.BerthException;
import java.time.Duration;

/**
 * Lets one client attach to a process's streams.
 *
 * @param bytes {@link #BYTES} of them, which the supervisor takes once; not to be changed
 * @param validity for how long it takes them
 */
@SuppressWarnings("ArrayRecordComponent") // Made once, never compared.
public record AttachToken(byte[] bytes, Duration validity) {
  /** How many bytes a token has. */
  public static final int BYTES = 32;

  /**
   * Checks the length.
   *
   * @throws BerthException.InvalidArgument if it is another one
   */
  public AttachToken {
    if (bytes.length != BYTES) {
      throw new BerthException.InvalidArgument("attach: a token has " + BYTES + " bytes");
    }
  }
}
