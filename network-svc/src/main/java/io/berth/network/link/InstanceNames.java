package io.berth.network.link;

import io.berth.base.id.Digest;
import io.berth.linux.net.Link;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Names on the host that tell one instance of Berth from another.
 *
 * @param instance six hex digits
 */
public record InstanceNames(String instance) {
  private static final String LINK_PREFIX = "bt";
  private static final String ID_CHARACTERS = "abcdefghijklmnopqrstuvwxyz234567";
  private static final int ID_LENGTH = 10;
  private static final String TABLE_PREFIX = "berth_";
  private static final int INSTANCE_MASK = 0xff00_0000;
  private static final int LIVE_GROUPS = 0x6300_0000;
  private static final int RETIRED_GROUPS = 0x6200_0000;

  public InstanceNames {
    if (!instance.matches("[0-9a-f]{6}")) {
      throw new IllegalArgumentException("instance `" + instance + "` is not six hex digits");
    }
  }

  /** A new endpoint's id, of 50 random bits, so that hardly any comes twice. */
  public static String newId() {
    StringBuilder id = new StringBuilder(ID_LENGTH);
    for (int i = 0; i < ID_LENGTH; i++) {
      id.append(ID_CHARACTERS.charAt(ThreadLocalRandom.current().nextInt(32)));
    }
    return id.toString();
  }

  /** Whether a text has the form of an id. */
  public static boolean isId(String text) {
    return text.matches("[a-z2-7]{" + ID_LENGTH + "}");
  }

  /** The id of a network that every instance has from the beginning. */
  public String builtInNetwork(String name) {
    return Digest.sha256("network:" + instance + ":" + name).hex().substring(0, 12);
  }

  public String bridge() {
    return "br-" + instance;
  }

  public String table() {
    return TABLE_PREFIX + instance;
  }

  /** The name of the host's end of an endpoint's cable. */
  public static String link(String id) {
    return LINK_PREFIX + id;
  }

  /** Whether the host's end of an endpoint's cable could have that name. */
  public static boolean isCableName(String name) {
    return name.startsWith(LINK_PREFIX) && isId(name.substring(LINK_PREFIX.length()));
  }

  /** The id of the endpoint whose cable's end on the host has that name. */
  static String id(Link link) {
    return link.name().substring(LINK_PREFIX.length());
  }

  /** The alias of that end, by which the instance knows its links again. */
  String alias(String network, String id) {
    return "berth:" + instance + ":" + network + ":" + id;
  }

  /** The alias of a bridge of this instance. */
  String alias(String network) {
    return "berth:" + instance + ":" + network;
  }

  /** The group in which links are made, so that they are recognized before they have an alias. */
  int liveGroup() {
    return LIVE_GROUPS | Integer.parseInt(instance, 16);
  }

  /** The group of links that wait for the reaper. */
  int retiredGroup() {
    return RETIRED_GROUPS | Integer.parseInt(instance, 16);
  }

  /** Whether a link is the host's end of a cable of this instance. */
  public boolean isCable(Link link) {
    if (!isCableName(link.name())) {
      return false;
    }
    boolean young = link.alias().isEmpty() && link.group() == liveGroup();
    return young
        || (link.alias().startsWith("berth:" + instance + ":")
            && link.alias().endsWith(":" + id(link)));
  }

  /** Whether a link is of any instance of Berth. */
  public static boolean isBerths(Link link) {
    boolean young = link.alias().isEmpty() && (link.group() & INSTANCE_MASK) == LIVE_GROUPS;
    return young || link.alias().matches("berth:[0-9a-f]{6}:.*");
  }

  /** Whether a table is of any instance of Berth. */
  public static boolean isBerthsTable(String table) {
    return table.matches(TABLE_PREFIX + "[0-9a-f]{6}");
  }

  /** Whether a link is of another instance of Berth on the same host. */
  public boolean isOfAnother(Link link) {
    return isBerths(link)
        && link.group() != liveGroup()
        && !link.alias().startsWith("berth:" + instance + ":");
  }

  /** Whether a link is a bridge of this instance. */
  public boolean isBridge(Link link) {
    boolean labelled = link.alias().matches("berth:" + instance + ":[^:]+");
    boolean young = link.alias().isEmpty() && link.group() == liveGroup();
    return link.kind().equals("bridge") && link.name().startsWith(bridge()) && (labelled || young);
  }
}
