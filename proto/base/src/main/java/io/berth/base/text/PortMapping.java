package io.berth.base.text;

/**
 * Ports of the host that lead to a container's, as {@code -p} has them: {@code
 * [[IP:]HOST:]CONTAINER[/PROTOCOL]}, where both may be ranges. Ranges of the same length go in
 * step; a range of the host's for a single port of the container's means any free one of it.
 *
 * @param hostIp an address of the host's without brackets; empty for all
 * @param host {@code 0-0} for any free port
 * @param protocol tcp or udp
 */
public record PortMapping(String hostIp, PortRange host, PortRange container, String protocol) {
  private static final PortRange ANY = new PortRange(0, 0);

  /** Reads a mapping. */
  public static PortMapping parse(String what, String word) {
    int slash = word.lastIndexOf('/');
    String protocol =
        slash < 0 ? "tcp" : PortRange.protocolOf(what, word, word.substring(slash + 1));
    if (protocol.equals("sctp")) {
      throw Refusal.of(what, word, "ports of sctp cannot be published, only those of tcp and udp");
    }
    String rest = slash < 0 ? word : word.substring(0, slash);
    int last = rest.lastIndexOf(':');
    PortRange container = PortRange.parse(what, word, rest.substring(last + 1), 1);
    if (last < 0) {
      return new PortMapping("", ANY, container, protocol);
    }
    String before = rest.substring(0, last);
    int middle = before.lastIndexOf(':');
    String hostPart = before.substring(middle + 1);
    PortRange host = hostPart.isEmpty() ? ANY : PortRange.parse(what, word, hostPart, 0);
    if (host.first() == 0 && host.last() > 0) {
      throw Refusal.of(what, word, "port 0 stands for any free one and begins no range");
    }
    if (!host.equals(ANY) && container.size() > 1 && host.size() != container.size()) {
      throw Refusal.of(what, word, "both ranges must have the same length");
    }
    String ip = middle < 0 ? "" : before.substring(0, middle);
    return new PortMapping(unbracketed(what, word, ip), host, container, protocol);
  }

  private static String unbracketed(String what, String word, String ip) {
    boolean open = ip.startsWith("[");
    if (open != ip.endsWith("]") || (open && ip.length() < 3)) {
      throw Refusal.of(what, word, "`" + ip + "` is no address");
    }
    return open ? ip.substring(1, ip.length() - 1) : ip;
  }

  /** Whether each port of the host leads to one of its own; else any one leads to the only one. */
  public boolean isInStep() {
    return host.size() == container.size();
  }

  /** The word that means this. */
  @Override
  public String toString() {
    String ip = hostIp.contains(":") ? "[" + hostIp + "]" : hostIp;
    String at = host.equals(ANY) ? "" : host.toString();
    String outside = ip.isEmpty() && at.isEmpty() ? "" : (ip.isEmpty() ? at : ip + ":" + at) + ":";
    return outside + container + "/" + protocol;
  }
}
