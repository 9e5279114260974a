package io.berth.containerd.spec;

import io.berth.base.error.BerthException;

/**
 * Which namespace a container lives in, read from a wish like {@code host} or {@code
 * container:web}.
 *
 * @param kind whose namespace it is
 * @param container the container that {@link Kind#CONTAINER} means, as it was written; else empty
 */
record NamespaceMode(Kind kind, String container) {
  private static final String CONTAINER = "container:";

  /** Whose namespace it is. */
  enum Kind {
    PRIVATE,
    HOST,
    CONTAINER,
    /** Its own, without the file systems that are usually mounted of it. */
    NONE,
    /** Its own, and other containers may join. */
    SHAREABLE
  }

  /**
   * Reads a wish. INVALID_ARGUMENT for a text that is no mode.
   *
   * @param option the name of the option for what is told, such as {@code pid}
   */
  static NamespaceMode parse(String option, String text) {
    if (text.startsWith(CONTAINER)) {
      String container = text.substring(CONTAINER.length());
      if (container.isEmpty()) {
        throw new BerthException.InvalidArgument(
            option + " mode `" + text + "`: names no container; write container:NAME");
      }
      return new NamespaceMode(Kind.CONTAINER, container);
    }
    Kind kind =
        switch (text) {
          case "", "private" -> Kind.PRIVATE;
          case "host" -> Kind.HOST;
          case "none" -> Kind.NONE;
          case "shareable" -> Kind.SHAREABLE;
          default -> throw unknown(option, text);
        };
    boolean forIpcOnly = kind == Kind.NONE || kind == Kind.SHAREABLE;
    if (forIpcOnly && !option.equals("ipc")) {
      throw unknown(option, text);
    }
    return new NamespaceMode(kind, "");
  }

  boolean isHost() {
    return kind == Kind.HOST;
  }

  private static BerthException unknown(String option, String text) {
    return new BerthException.InvalidArgument(
        option + " mode `" + text + "`: there is none of that name; write host or private");
  }
}
