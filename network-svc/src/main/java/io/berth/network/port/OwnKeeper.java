package io.berth.network.port;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.linux.Fd;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Keeps sockets in this process, with which they end; its next start binds them again. */
public final class OwnKeeper implements SocketKeeper {
  @GuardedBy("this")
  private final Map<String, List<Fd>> kept = new HashMap<>();

  @Override
  public synchronized void put(String name, List<Fd> sockets) {
    drop(name);
    kept.put(name, List.copyOf(sockets));
  }

  @Override
  public synchronized List<String> names() {
    return List.copyOf(kept.keySet());
  }

  @Override
  public synchronized void drop(String name) {
    List<Fd> sockets = kept.remove(name);
    if (sockets != null) {
      sockets.forEach(Fd::close);
    }
  }

  @Override
  public void whenLost(Runnable action) {
    // What is kept here is lost only together with this process.
  }

  @Override
  public void end() {
    close();
  }

  @Override
  public synchronized void close() {
    kept.values().forEach(sockets -> sockets.forEach(Fd::close));
    kept.clear();
  }
}
