package io.berth.network.nat;

/** What is done about chains of other programs that drop containers' packets. */
public enum FirewallPolicy {
  /** Those that drop what they do not know are given rules that let containers' packets pass. */
  AUTO,
  /** Every chain with a rule is given them. */
  ACCEPT,
  /** Others' chains are left as they are. */
  STRICT
}
