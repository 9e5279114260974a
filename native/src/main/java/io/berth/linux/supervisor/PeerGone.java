package io.berth.linux.supervisor;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * The other side of a connection, a supervisor or the keeper, has ended before it answered. Whether
 * it did what it was asked to is not known.
 */
public final class PeerGone extends IOException {
  PeerGone(String peer, @Nullable Throwable cause) {
    super("connection `" + peer + "`: ended before the answer; was that process killed?", cause);
  }
}
