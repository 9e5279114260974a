package io.berth.base.daemon;

import io.berth.linux.Sockets;
import io.berth.linux.SyscallException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import org.jspecify.annotations.Nullable;

/** Tells systemd (sd_notify(3)); without NOTIFY_SOCKET it does nothing. Never waits. */
final class SdNotify {
  private static final Logger LOG = System.getLogger(SdNotify.class.getName());

  private SdNotify() {}

  static void ready() {
    send(System.getenv("NOTIFY_SOCKET"), "READY=1\n");
  }

  static void stopping() {
    send(System.getenv("NOTIFY_SOCKET"), "STOPPING=1\n");
  }

  /**
   * A failure is logged: the service itself is well.
   *
   * @param socket a path, or a name in the abstract namespace behind an {@code @}; null or empty:
   *     nobody wants to know
   */
  static void send(@Nullable String socket, String text) {
    if (socket == null || socket.isEmpty()) {
      return;
    }
    try {
      Sockets.sendText(socket, text);
    } catch (SyscallException e) {
      LOG.log(Level.WARNING, "notify the service manager at {0}: {1}", socket, e.getMessage());
    }
  }
}
