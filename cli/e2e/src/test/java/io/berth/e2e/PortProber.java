package io.berth.e2e;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Looks all the time whether published ports are bound: the kernel says it, and no socket of the
 * prober's own is in the way. A port is let go only by the end of the keeper that held it.
 */
final class PortProber implements AutoCloseable {
  private static final String LISTENS = "0A";
  private static final long PAUSE_MILLIS = 5;

  /** A process has let its files go a moment before it counts as ended. */
  private static final long END_MILLIS = 2000;

  private final List<Integer> ports;
  private final BerthInstance berth;
  private final KillLedger ledger;

  /** Who was alive when the port was last seen to be bound. */
  private final Map<Integer, ProcessHandle> holders = new HashMap<>();

  private final Thread thread;
  private volatile boolean closed;

  PortProber(List<Integer> ports, BerthInstance berth, KillLedger ledger) {
    this.ports = List.copyOf(ports);
    this.berth = berth;
    this.ledger = ledger;
    this.thread = Thread.ofPlatform().daemon().start(this::probe);
  }

  private void probe() {
    try {
      Optional<ProcessHandle> keeper = Optional.empty();
      while (!closed) {
        if (keeper.isEmpty() || !keeper.get().isAlive()) {
          keeper = keeper();
        }
        for (int port : ports) {
          if (!isBound(port)) {
            mustHaveEnded(port, holders.remove(port));
          } else if (keeper.isPresent()) {
            holders.put(port, keeper.get());
          }
        }
        TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      ledger.fault("look for ports: " + e);
    }
  }

  private void mustHaveEnded(int port, @Nullable ProcessHandle holder) throws InterruptedException {
    for (int i = 0; holder != null && holder.isAlive(); i++) {
      if (i == END_MILLIS) {
        ledger.fault("port " + port + " was free while its keeper lived on");
        return;
      }
      TimeUnit.MILLISECONDS.sleep(1);
    }
  }

  private Optional<ProcessHandle> keeper() {
    return ProcessHandle.allProcesses()
        .filter(process ->
            Leftovers.commandLine(process.pid())
                .contains(berth.state().resolve("keeper.sock").toString()))
        .findAny();
  }

  /** Whether somebody on this host listens on the port of all its IPv4 addresses. */
  static boolean isBound(int port) throws IOException {
    String address = "00000000:%04X".formatted(port);
    for (String line : Files.readAllLines(Path.of("/proc/net/tcp"))) {
      String[] fields = line.strip().split("\\s+");
      if (fields.length > 3 && fields[1].equals(address) && fields[3].equals(LISTENS)) {
        return true;
      }
    }
    return false;
  }

  @Override
  public void close() {
    closed = true;
    while (thread.isAlive()) {
      Thread.onSpinWait();
    }
  }
}
