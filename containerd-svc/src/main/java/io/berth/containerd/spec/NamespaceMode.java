package io.berth.containerd.spec;

import io.berth.base.error.BerthException;

/**
 * Whose namespace a container lives in: a wish like {@code host} or {@code container:web}.
 *
 * @param container whom {@link Kind#CONTAINER} means, as it was written; else empty
 */
record NamespaceMode(Kind kind, String container) {
  private static final String CONTAINER = "container:";

  /** Whose. */
  enum Kind {
    PRIVATE,
    HOST,
    CONTAINER,
    /** Private, without what is usually mounted of it. */
    NONE,
    /** Private, and others may join. */
    SHAREABLE
  }

  /** Refuses with INVALID_ARGUMENT, naming the option ({@code pid}), what is no mode. */
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
