package io.berth.network.address;

import io.berth.base.error.BerthException;
import java.util.Collection;
import java.util.List;

/** Chooses a subnet out of a pool, the same for the same name as long as it is free. */
public final class SubnetChoice {
  private final Subnet pool;
  private final int prefixLength;

  /** INVALID_ARGUMENT if no subnet of that prefix length is in the pool. */
  public SubnetChoice(Subnet pool, int prefixLength) {
    if (prefixLength < pool.prefixLength() || prefixLength > AddressPool.LONGEST_PREFIX) {
      throw new BerthException.InvalidArgument(
          "subnets of /"
              + prefixLength
              + " from the pool `"
              + pool
              + "`: use a prefix from "
              + pool.prefixLength()
              + " to "
              + AddressPool.LONGEST_PREFIX);
    }
    this.pool = pool;
    this.prefixLength = prefixLength;
  }

  /**
   * The subnet at the place that the number points to, or the next free one behind it.
   *
   * @param number any; a hash of a name
   * @param taken what must not be overlapped; the default route is no obstacle
   */
  public Subnet choose(long number, Collection<Subnet> taken) {
    long count = 1L << (prefixLength - pool.prefixLength());
    long start = Math.floorMod(number, count);
    List<Subnet> obstacles =
        taken.stream().filter(t -> t.prefixLength() > 0 && t.overlaps(pool)).toList();
    for (long i = 0; i < count; i++) {
      Subnet candidate =
          new Subnet(pool.at((start + i) % count << (32 - prefixLength)), prefixLength);
      if (obstacles.stream().noneMatch(candidate::overlaps)) {
        return candidate;
      }
    }
    throw new BerthException.ResourceExhausted(
        "choose a subnet: all "
            + count
            + " of the pool `"
            + pool
            + "` overlap with routes of this host; set `pool` in `[network]` to a free range");
  }
}
