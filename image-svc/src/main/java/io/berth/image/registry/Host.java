package io.berth.image.registry;

import java.util.Set;

/**
 * A server that can be asked for a registry's images.
 *
 * @param base the address that the API's paths are below, such as {@code https://HOST/v2}, without
 *     a slash at the end
 * @param abilities what it can be asked for
 * @param access how it is asked
 * @param tlsMaybe nobody says whether it speaks TLS: it is tried, and if it does not answer to
 *     that, it is asked without
 */
public record Host(String base, Set<Ability> abilities, Access access, boolean tlsMaybe) {
  /** What a server can be asked for. */
  public enum Ability {
    /** Content by its digest. */
    PULL,
    /** What a tag means. */
    RESOLVE,
    /** To take an image. */
    PUSH
  }

  public Host {
    abilities = Set.copyOf(abilities);
  }
}
