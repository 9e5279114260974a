package io.berth.linux.supervisor;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * The connection to a supervisor or to the keeper ended before the answer came: that process has
 * ended, or another controller has taken it over. Whether it did what it was asked to is not known.
 */
public final class PeerGone extends IOException {
  PeerGone(String peer, @Nullable Throwable cause) {
    super("connection `" + peer + "`: ended before the answer; was that process killed?", cause);
  }
}
