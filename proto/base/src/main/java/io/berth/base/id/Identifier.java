package io.berth.base.id;

import io.berth.base.error.BerthException;

/**
 * A name by containerd's identifier rule: 1 to 76 bytes; letters and digits, with single {@code . _
 * -} between them.
 *
 * <p>Container, sandbox, exec and task ids and namespaces are such. Safe as a file name.
 */
public record Identifier(String text) {
  /** Longest, in bytes (all characters are ASCII). */
  public static final int MAX_LENGTH = 76;

  /**
   * The namespace in which containerd-svc and shim processes walk containers of their own to warm
   * up. No client is let into it, no list shows it, no event tells of it.
   */
  public static final String WARM_UP_NAMESPACE = "berth-warm";

  /** Refuses with INVALID_ARGUMENT what the rule forbids. */
  public Identifier {
    check(text);
  }

  /** The same check, where the value goes on as a string. Returns its argument. */
  public static String check(String text) {
    if (text.isEmpty()) {
      throw new BerthException.InvalidArgument("identifier must not be empty");
    }
    if (text.length() > MAX_LENGTH) {
      throw new BerthException.InvalidArgument(
          "identifier \""
              + text.substring(0, 40)
              + "...\" greater than maximum length ("
              + MAX_LENGTH
              + " characters)");
    }
    boolean previousPlain = false;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      boolean separator = c == '.' || c == '_' || c == '-';
      if (!plain && !(separator && previousPlain && i < text.length() - 1)) {
        throw new BerthException.InvalidArgument(
            "identifier \""
                + text
                + "\" must match letters and digits with single '.', '_' or '-' between them");
      }
      previousPlain = plain;
    }
    return text;
  }

  @Override
  public String toString() {
    return text;
  }
}
