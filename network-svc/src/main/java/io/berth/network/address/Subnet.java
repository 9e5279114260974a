package io.berth.network.address;

import io.berth.base.error.BerthException;
import io.berth.linux.net.Ipv4;

/**
 * A range of IPv4 addresses with a common beginning.
 *
 * @param network the first address; the bits behind the prefix are zero
 * @param prefixLength 0 to 32
 */
public record Subnet(Ipv4 network, int prefixLength) {
  public Subnet {
    if (prefixLength < 0 || prefixLength > 32) {
      throw new BerthException.InvalidArgument(
          "subnet `" + network + "/" + prefixLength + "`: a prefix has 0 to 32 bits");
    }
    if ((network.bits() & ~mask(prefixLength)) != 0) {
      throw new BerthException.InvalidArgument(
          "subnet `"
              + network
              + "/"
              + prefixLength
              + "`: bits behind the prefix are set; write `"
              + new Ipv4(network.bits() & mask(prefixLength))
              + "/"
              + prefixLength
              + "`");
    }
  }

  /** {@code 10.1.0.0/16}; INVALID_ARGUMENT for any other text. */
  public static Subnet parse(String text) {
    int slash = text.indexOf('/');
    Ipv4 network = slash < 0 ? null : Ipv4.parse(text.substring(0, slash)).orElse(null);
    if (network == null || !text.substring(slash + 1).matches("[0-9]{1,2}")) {
      throw new BerthException.InvalidArgument(
          "subnet `" + text + "`: not an IPv4 address and a prefix length, as in `10.1.0.0/16`");
    }
    return new Subnet(network, Integer.parseInt(text.substring(slash + 1)));
  }

  /**
   * Whether hosts can have its addresses: none of those that stand for this network, this host,
   * groups or nothing yet (RFC 6890).
   */
  public boolean isAssignable() {
    int lowest = network.bits() >>> 24;
    int highest = broadcast().bits() >>> 24;
    boolean loopback = lowest <= 127 && highest >= 127;
    return lowest > 0 && !loopback && highest < 224;
  }

  /** The subnet of that prefix length that an address is in. */
  public static Subnet around(Ipv4 address, int prefixLength) {
    return new Subnet(new Ipv4(address.bits() & mask(prefixLength)), prefixLength);
  }

  public boolean contains(Ipv4 address) {
    return (address.bits() & mask(prefixLength)) == network.bits();
  }

  /** Whether any address is in both. */
  public boolean overlaps(Subnet other) {
    return prefixLength <= other.prefixLength ? contains(other.network) : other.contains(network);
  }

  /** How many addresses it has, those included that no host can have. */
  public long size() {
    return 1L << (32 - prefixLength);
  }

  /** The address at an offset from the first. */
  public Ipv4 at(long offset) {
    if (offset < 0 || offset >= size()) {
      throw new IllegalArgumentException(offset + " is outside of " + this);
    }
    return new Ipv4((int) (network.bits() + offset));
  }

  /** The offset of an address of this subnet from the first. */
  public long offset(Ipv4 address) {
    return Integer.toUnsignedLong(address.bits() - network.bits());
  }

  /** The last address, which is the broadcast address. */
  public Ipv4 broadcast() {
    return at(size() - 1);
  }

  private static int mask(int prefixLength) {
    return prefixLength == 0 ? 0 : -1 << (32 - prefixLength);
  }

  @Override
  public String toString() {
    return network + "/" + prefixLength;
  }
}
