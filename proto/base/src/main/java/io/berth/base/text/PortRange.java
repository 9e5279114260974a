package io.berth.base.text;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Ports that follow each other.
 *
 * @param first 0 to 65535, where 0 stands for any free one
 * @param last not below the first
 */
public record PortRange(int first, int last) {
  private static final int MOST = 65535;
  private static final Pattern FORM = Pattern.compile("(\\d{1,5})(?:-(\\d{1,5}))?");

  public PortRange {
    if (first < 0 || last < first || last > MOST) {
      throw new IllegalArgumentException(first + "-" + last);
    }
  }

  /** How many ports there are. */
  public int size() {
    return last - first + 1;
  }

  /** Whether a port is among them. */
  public boolean contains(int port) {
    return port >= first && port <= last;
  }

  /** Ports of one protocol. */
  public record WithProtocol(PortRange ports, String protocol) {
    /** {@code 80}, {@code 80-90}, {@code 80/udp}; the protocol is tcp where none is named. */
    public static WithProtocol parse(String what, String word) {
      int slash = word.lastIndexOf('/');
      return new WithProtocol(
          PortRange.parse(what, word, slash < 0 ? word : word.substring(0, slash), 1),
          slash < 0 ? "tcp" : protocolOf(what, word, word.substring(slash + 1)));
    }

    @Override
    public String toString() {
      return ports + "/" + protocol;
    }
  }

  /** The name of a protocol in small letters; tcp, udp and sctp are known. */
  static String protocolOf(String what, String word, String name) {
    return switch (name.toLowerCase(Locale.ROOT)) {
      case "tcp" -> "tcp";
      case "udp" -> "udp";
      case "sctp" -> "sctp";
      default -> throw Refusal.of(what, word, "the protocol must be tcp or udp");
    };
  }

  /**
   * Reads the part of a word that names ports.
   *
   * @param least the lowest that may be named
   */
  static PortRange parse(String what, String word, String part, int least) {
    Matcher form = FORM.matcher(part);
    if (!form.matches()) {
      throw Refusal.of(what, word, "`" + part + "` is no port, nor a range such as 80-90");
    }
    int first = Integer.parseInt(form.group(1));
    int last = form.group(2) == null ? first : Integer.parseInt(form.group(2));
    if (first < least || last > MOST) {
      throw Refusal.of(what, word, "`" + part + "` is not between " + least + " and " + MOST);
    }
    if (last < first) {
      throw Refusal.of(what, word, "the range ends before it begins");
    }
    return new PortRange(first, last);
  }

  @Override
  public String toString() {
    return first == last ? String.valueOf(first) : first + "-" + last;
  }
}
