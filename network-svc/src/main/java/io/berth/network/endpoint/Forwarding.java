package io.berth.network.endpoint;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.error.BerthException;
import io.berth.base.io.AtomicFile;
import io.berth.base.json.Json;
import io.berth.network.link.HostNetwork;
import io.berth.network.nat.NatTable;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The host's switches that containers' packets need. That ip_forward was 0 before is written down
 * beside the lock of all instances, since whoever of them switched it need not be the last to
 * leave; with it, what else was on the host then. The record is of one boot and one network
 * namespace, as the switch is.
 */
final class Forwarding {
  private static final Logger LOG = System.getLogger(Forwarding.class.getName());
  private static final String FORWARD = "ipv4/ip_forward";

  /** The setting in which older builds kept the value of before, each instance its own. */
  static final String OLD_RECORD = "sysctl." + FORWARD;

  private final HostNetwork host;
  private final NetworkSettings settings;
  private final HostLock lock;
  private final String boot;
  private final Path file;

  /** The bridges through which packets with addresses of 127.0.0.0/8 may go. */
  @GuardedBy("this")
  private final Set<String> loopbackThrough = new HashSet<>();

  private Forwarding(HostNetwork host, NetworkSettings settings, String boot, Path file) {
    this.host = host;
    this.settings = settings;
    this.lock = settings.lock();
    this.boot = boot;
    this.file = file;
  }

  /** Takes over what an older build of this instance wrote down in this boot. */
  static Forwarding open(
      HostNetwork host, NetworkSettings settings, NetworkStore store, String boot)
      throws IOException {
    String namespace = Long.toUnsignedString(host.namespace().cookie());
    Forwarding forwarding =
        new Forwarding(host, settings, boot, settings.lock().beside("forwarding-" + namespace));
    if (store.setting(OLD_RECORD).filter("0"::equals).isPresent()) {
      settings
          .lock()
          .hold(() -> {
            if (forwarding.record().isEmpty()) {
              forwarding.write(OthersThen.now(boot, host));
            }
            return 0;
          });
      store.setSetting(OLD_RECORD, "");
    }
    return forwarding;
  }

  /** What was there before the host forwarded because of some instance; empty if it did already. */
  private Optional<OthersThen> record() throws IOException {
    try {
      OthersThen record = Json.read(Files.readAllBytes(file), OthersThen.class, file.toString());
      return Optional.of(record).filter(then -> then.boot().equals(boot));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (BerthException.InvalidArgument e) {
      LOG.log(
          Level.WARNING,
          "{0}; net.ipv4.ip_forward is taken for the administrator''s",
          e.getMessage());
      return Optional.empty();
    }
  }

  private void write(OthersThen record) throws IOException {
    AtomicFile.write(file, Json.bytes(record), "rw-------");
  }

  /**
   * Writes down what is there, if the host does not forward packets yet. Under the host's lock.
   * After it the rules are set and only then {@link #on} is called, so that there is no moment in
   * which others' packets pass.
   */
  void prepare() throws IOException {
    if (isOff()) {
      write(OthersThen.now(boot, host));
    }
  }

  /** Makes the host forward IPv4 packets. The caller holds the host's lock. */
  void on() throws IOException {
    if (isOff()) {
      host.namespace().setSysctl(FORWARD, "1");
      LOG.log(Level.INFO, "net.ipv4.ip_forward was 0 and is 1 now; {0}", consequence());
    }
  }

  private boolean isOff() throws IOException {
    return host.namespace().sysctl(FORWARD).equals("0");
  }

  /** How packets between links that are not of Berth are to be treated. */
  NatTable.Others others() throws IOException {
    Optional<OthersThen> then = record();
    return new NatTable.Others(
        then.isPresent() && settings.forwardPolicy() == ForwardPolicy.DROP,
        then.map(OthersThen::bridges).orElse(Set.of()));
  }

  /** What an operator should know, if the host forwards only because of Berth. */
  Optional<String> warning() throws IOException {
    return record()
        .map(_ -> "net.ipv4.ip_forward was 0 and Berth switched it on; " + consequence());
  }

  private String consequence() {
    return switch (settings.forwardPolicy()) {
      case DROP ->
          "packets between links that were there before are dropped, as they were, and a bridge"
              + " that came later is left to its maker; `forward_policy = \"accept\"` in"
              + " `[network]` lets all of them pass";
      case ACCEPT -> "packets between any links pass, as `network.forward_policy` wants it";
    };
  }

  /**
   * Sets the value of before, unless somebody needs the present one: another instance, which then
   * does this when it leaves, or what came to the host since.
   */
  void restore() throws IOException {
    lock.hold(() -> {
      Optional<OthersThen> then = record();
      if (then.isEmpty()) {
        return 0;
      }
      if (host.links().links().stream().anyMatch(settings.names()::isOfAnother)) {
        LOG.log(Level.INFO, "net.ipv4.ip_forward stays 1 for another instance of Berth");
        return 0;
      }
      List<String> since = then.get().cameSince(host);
      if (since.isEmpty()) {
        host.namespace().setSysctl(FORWARD, "0");
      } else {
        LOG.log(
            Level.WARNING,
            "net.ipv4.ip_forward was 0 and stays 1, which may be needed by what came since: {0};"
                + " if not, `sysctl -w net.ipv4.ip_forward=0`",
            String.join(", ", since));
      }
      Files.deleteIfExists(file);
      return 0;
    });
  }

  /** Whether packets with addresses of 127.0.0.0/8 may go through a bridge. */
  synchronized void setLoopbackThrough(String bridge, boolean on) throws IOException {
    if (loopbackThrough.contains(bridge) != on) {
      host.namespace().setSysctl("ipv4/conf/" + bridge + "/route_localnet", on ? "1" : "0");
      if (on) {
        loopbackThrough.add(bridge);
      } else {
        loopbackThrough.remove(bridge);
      }
    }
  }

  /** Takes note that a bridge is to be made anew, which then has none of the old one's switches. */
  synchronized void forget(String bridge) {
    loopbackThrough.remove(bridge);
  }
}
