package io.berth.image.registry;

import java.nio.file.Path;
import java.util.List;

/**
 * Says which certificates are taken from a server, and which are shown to it.
 *
 * @param anybody takes whatever certificate
 * @param authorities files of certificates in PEM form that vouch for it, beside the machine's
 * @param own shown to a server that wants to know who asks
 */
public record Trust(boolean anybody, List<Path> authorities, List<Pair> own) {
  /** The machine's authorities alone. */
  public static final Trust MACHINE = new Trust(false, List.of(), List.of());

  public Trust {
    authorities = List.copyOf(authorities);
    own = List.copyOf(own);
  }

  /**
   * A certificate and its private key, in PEM form.
   *
   * @param key may be the same file
   */
  public record Pair(Path certificate, Path key) {}

  /** The same, whoever the server is. */
  public Trust ofAnybody() {
    return new Trust(true, authorities, own);
  }
}
