package io.berth.network.address;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.error.BerthException;
import io.berth.linux.net.Ipv4;
import java.util.HashSet;
import java.util.Set;

/**
 * The addresses of one subnet: which are in use, and which comes next. Not among them are the
 * network's own address, the broadcast address and the gateway.
 *
 * <p>Memory grows with what is in use, not with the subnet. Safe for use by several threads.
 */
public final class AddressPool {
  /** The longest prefix that leaves room for a gateway and a container. */
  public static final int LONGEST_PREFIX = 30;

  private final Subnet subnet;
  private final Ipv4 gateway;

  @GuardedBy("this")
  private final Set<Long> used = new HashSet<>();

  @GuardedBy("this")
  private long last;

  /**
   * @param last the address that was handed out last, as {@link #last} said; any other address of
   *     the subnet to begin behind it
   */
  public AddressPool(Subnet subnet, Ipv4 gateway, Ipv4 last) {
    if (subnet.prefixLength() > LONGEST_PREFIX) {
      throw new BerthException.InvalidArgument(
          "subnet `"
              + subnet
              + "`: no room for a gateway and a container; use a prefix of at most "
              + LONGEST_PREFIX);
    }
    if (!hostAddress(subnet, gateway)) {
      throw new BerthException.InvalidArgument(
          "gateway `" + gateway + "`: not an address of a host in `" + subnet + "`");
    }
    this.subnet = subnet;
    this.gateway = gateway;
    this.last = subnet.contains(last) ? subnet.offset(last) : 0;
  }

  private static boolean hostAddress(Subnet subnet, Ipv4 address) {
    return subnet.contains(address)
        && !address.equals(subnet.network())
        && !address.equals(subnet.broadcast());
  }

  public Subnet subnet() {
    return subnet;
  }

  public Ipv4 gateway() {
    return gateway;
  }

  /** How many containers fit. */
  public long capacity() {
    return subnet.size() - 3;
  }

  /** The next free address; RESOURCE_EXHAUSTED if there is none. */
  public synchronized Ipv4 acquire() {
    if (used.size() >= capacity()) {
      throw new BerthException.ResourceExhausted(
          "no more IP addresses available in `"
              + subnet
              + "`: all "
              + capacity()
              + " are in use; remove containers or use a network with a larger subnet");
    }
    long offset = last;
    do {
      offset = offset + 1 >= subnet.size() - 1 ? 1 : offset + 1;
    } while (used.contains(offset) || offset == subnet.offset(gateway));
    used.add(offset);
    last = offset;
    return subnet.at(offset);
  }

  /**
   * Takes a certain address; false if it is in use. The next automatic one does not depend on it.
   *
   * @throws BerthException INVALID_ARGUMENT if no host can have it here
   */
  public synchronized boolean acquire(Ipv4 address) {
    if (!hostAddress(subnet, address) || address.equals(gateway)) {
      throw new BerthException.InvalidArgument(
          "address `" + address + "`: not one of a container's in `" + subnet + "`");
    }
    return used.add(subnet.offset(address));
  }

  /** Gives an address back; false if it was not in use. */
  public synchronized boolean release(Ipv4 address) {
    return subnet.contains(address) && used.remove(subnet.offset(address));
  }

  /** The address that was given out last, behind which a pool goes on after a restart. */
  public synchronized Ipv4 last() {
    return subnet.at(last);
  }

  /** How many addresses are in use. */
  public synchronized int inUse() {
    return used.size();
  }
}
