package io.berth.linux.net;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/**
 * A chain that forwarded IPv4 packets come by, with its rules, whosever it is.
 *
 * @param drops whether it drops what none of its rules decides
 */
public record ForwardChain(Name name, boolean drops, List<Rule> rules) {
  static final int GENERIC_BYTES = 4;

  public ForwardChain {
    rules = List.copyOf(rules);
  }

  /**
   * Where a chain is.
   *
   * @param family the family of its table, {@code ip} or {@code inet}
   */
  public record Name(String family, String table, String chain) {
    int familyNumber() {
      return family.equals("ip") ? Uapi.NFPROTO_IPV4 : Uapi.NFPROTO_INET;
    }

    @Override
    public String toString() {
      return family + " " + table + " " + chain;
    }
  }

  /**
   * A rule, as far as it matters to others.
   *
   * @param handle the kernel's number for it
   * @param comment empty if it has none
   * @param endsAll whether it drops or rejects every packet that comes to it
   */
  public record Rule(long handle, String comment, boolean endsAll) {
    static Rule of(NetlinkMessage message) {
      Attributes rule = message.attributes(GENERIC_BYTES);
      return new Rule(
          rule.be64(Uapi.NFTA_RULE_HANDLE, 0),
          comment(rule.bytes(Uapi.NFTA_RULE_USERDATA)),
          endsAll(rule.nested(Uapi.NFTA_RULE_EXPRESSIONS)));
    }

    private static String comment(byte[] data) {
      for (int at = 0; at + 2 <= data.length; at += 2 + (data[at + 1] & 0xff)) {
        int length = data[at + 1] & 0xff;
        if (data[at] == NftRule.COMMENT && length > 0 && at + 2 + length <= data.length) {
          return new String(data, at + 2, length - 1, StandardCharsets.UTF_8);
        }
      }
      return "";
    }

    /** Whatever is no condition: what counts and what writes down come before the verdict. */
    private static boolean endsAll(Attributes expressions) {
      for (ByteBuffer entry : expressions.all()) {
        Attributes expression = Attributes.of(entry);
        Attributes data = expression.nested(Uapi.NFTA_EXPR_DATA);
        switch (expression.text(Uapi.NFTA_EXPR_NAME)) {
          case "counter", "log" -> {
            continue;
          }
          case "reject" -> {
            return true;
          }
          case "target" -> {
            return data.text(Uapi.NFTA_TARGET_NAME).equals("REJECT");
          }
          case "immediate" -> {
            int verdict =
                data.nested(Uapi.NFTA_IMMEDIATE_DATA)
                    .nested(Uapi.NFTA_DATA_VERDICT)
                    .be32(Uapi.NFTA_VERDICT_CODE, Uapi.NF_ACCEPT);
            return verdict == Uapi.NF_DROP;
          }
          default -> {
            return false;
          }
        }
      }
      return false;
    }
  }

  /** The name of a chain of the forward hook that filters; empty for another message. */
  static Optional<Name> name(NetlinkMessage message) {
    Attributes chain = message.attributes(GENERIC_BYTES);
    String family = family(message);
    boolean forward =
        chain.get(Uapi.NFTA_CHAIN_HOOK) != null
            && chain.nested(Uapi.NFTA_CHAIN_HOOK).be32(Uapi.NFTA_HOOK_HOOKNUM, -1)
                == Uapi.NF_INET_FORWARD;
    return forward && !family.isEmpty()
        ? Optional.of(
            new Name(family, chain.text(Uapi.NFTA_CHAIN_TABLE), chain.text(Uapi.NFTA_CHAIN_NAME)))
        : Optional.empty();
  }

  static boolean drops(NetlinkMessage message) {
    return message.attributes(GENERIC_BYTES).be32(Uapi.NFTA_CHAIN_POLICY, Uapi.NF_ACCEPT)
        == Uapi.NF_DROP;
  }

  /** The word for a family that has IPv4 packets; empty for another, and for an end of a dump. */
  private static String family(NetlinkMessage message) {
    return switch (message.payload().limit() > 0 ? message.payload().get(0) & 0xff : -1) {
      case Uapi.NFPROTO_IPV4 -> "ip";
      case Uapi.NFPROTO_INET -> "inet";
      default -> "";
    };
  }
}
