package io.berth.network.nat;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.linux.SyscallException;
import io.berth.linux.net.ForwardChain;
import io.berth.linux.net.ForwardChain.Rule;
import io.berth.linux.net.NftRule;
import io.berth.linux.net.NftSocket;
import io.berth.linux.net.NftTransaction;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Other programs' chains of forwarded packets. A packet that one of them drops is lost, whatever
 * our own table says, so two marked rules there let those from and to our bridges pass; which of
 * them are to pass is decided by our own table, by which they all come too.
 *
 * <p>The rules stand behind those that the administrator wrote, and before what drops all the rest.
 * Safe for use by several threads.
 */
public final class ForeignChains {
  private static final Logger LOG = System.getLogger(ForeignChains.class.getName());
  private static final String MARK = "berth:";

  /** It drops in chains that its own one jumps to, so there is no end to stand before. */
  private static final String FIREWALLD = "firewalld";

  private final NftSocket nft;
  private final String bridges;
  private final String mark;
  private final FirewallPolicy policy;
  private final Predicate<String> berths;

  /** Why rules could not be written, by chain. */
  @GuardedBy("this")
  private final Map<ForwardChain.Name, String> refusals = new HashMap<>();

  /**
   * @param bridges what the names of our bridges begin with
   * @param berths whether a table is of an instance of Berth
   */
  public ForeignChains(
      NftSocket nft,
      String instance,
      String bridges,
      FirewallPolicy policy,
      Predicate<String> berths) {
    this.nft = nft;
    this.bridges = bridges;
    this.mark = MARK + instance;
    this.policy = policy;
    this.berths = berths;
  }

  /** Whether a rule in somebody else's chain is one that an instance of Berth put there. */
  public static boolean isBerths(Rule rule) {
    return rule.comment().startsWith(MARK);
  }

  private List<ForwardChain> chains() throws SyscallException {
    return nft.forwardChains().stream()
        .filter(chain -> !berths.test(chain.name().table()))
        .toList();
  }

  private List<Rule> ours(ForwardChain chain) {
    return chain.rules().stream().filter(rule -> rule.comment().equals(mark)).toList();
  }

  private static boolean isFirewalld(ForwardChain chain) {
    return chain.name().table().equals(FIREWALLD);
  }

  /** Whether a chain drops packets that none of its rules is about. */
  private static boolean drops(ForwardChain chain) {
    return chain.drops() || isFirewalld(chain) || chain.rules().stream().anyMatch(Rule::endsAll);
  }

  private boolean isToAccept(ForwardChain chain) {
    return switch (policy) {
      case STRICT -> false;
      case AUTO -> drops(chain);
      case ACCEPT -> drops(chain) || chain.rules().stream().anyMatch(rule -> !isBerths(rule));
    };
  }

  /** Writes our rules where they are wanted, and takes them away where they are not. */
  public synchronized void refresh() throws SyscallException {
    refusals.clear();
    for (ForwardChain chain : chains()) {
      List<Rule> ours = ours(chain);
      boolean right = isToAccept(chain) ? ours.size() == 2 && isBeforeEnd(chain) : ours.isEmpty();
      if (!right) {
        change(chain, ours);
      }
    }
  }

  private boolean isBeforeEnd(ForwardChain chain) {
    for (Rule rule : chain.rules()) {
      if (rule.comment().equals(mark)) {
        return true;
      }
      if (rule.endsAll()) {
        return false;
      }
    }
    return false;
  }

  @GuardedBy("this")
  private void change(ForwardChain chain, List<Rule> ours) {
    NftTransaction transaction = new NftTransaction(chain.name());
    String name = chain.name().chain();
    ours.forEach(rule -> transaction.deleteRule(name, rule.handle()));
    if (isToAccept(chain)) {
      List<Rule> others = new ArrayList<>(chain.rules());
      others.removeAll(ours);
      for (NftRule rule :
          List.of(
              new NftRule().inFrom(bridges).accept().comment(mark),
              new NftRule().outTo(bridges).accept().comment(mark))) {
        others.stream()
            .filter(other -> other.endsAll() || isFirewalld(chain))
            .findFirst()
            .ifPresentOrElse(
                end -> transaction.insertRule(name, rule, end.handle()),
                () -> transaction.addRule(name, rule));
      }
    }
    try {
      nft.commit(transaction);
      LOG.log(
          Level.INFO,
          isToAccept(chain)
              ? "packets from and to containers pass chain `{0}` by rules marked `{1}`"
              : "chain `{0}` has no rules marked `{1}` any more",
          chain.name(),
          mark);
    } catch (SyscallException e) {
      // Its maker keeps it for itself, or changed it at this moment, which comes back as a change.
      refusals.put(chain.name(), e.errno().text());
      LOG.log(
          Level.WARNING,
          "let packets from and to containers pass chain `{0}`: {1}",
          chain.name(),
          e.errno().text());
    }
  }

  /** Takes our rules out of every chain. */
  public synchronized void remove() throws SyscallException {
    for (ForwardChain chain : chains()) {
      List<Rule> ours = ours(chain);
      if (!ours.isEmpty()) {
        NftTransaction transaction = new NftTransaction(chain.name());
        ours.forEach(rule -> transaction.deleteRule(chain.name().chain(), rule.handle()));
        nft.commit(transaction);
      }
    }
  }

  /** What an operator should know of others' chains, in sentences. */
  public synchronized List<String> findings() throws SyscallException {
    List<String> findings = new ArrayList<>();
    for (ForwardChain chain : chains()) {
      boolean passes = !ours(chain).isEmpty();
      if (passes) {
        findings.add(
            "chain `"
                + chain.name()
                + "` has rules marked `"
                + mark
                + "`, by which packets from and to containers pass it; `firewall = \"strict\"` in"
                + " `[network]` leaves them out");
      } else if (drops(chain)) {
        findings.add(dropping(chain));
      }
    }
    return findings;
  }

  @GuardedBy("this")
  private String dropping(ForwardChain chain) {
    String refusal = refusals.get(chain.name());
    return "chain `"
        + chain.name()
        + "` drops forwarded packets that no rule of it accepts"
        + (refusal == null ? "" : ", and takes no rule of ours: " + refusal)
        + "; if containers cannot be reached, "
        + (isFirewalld(chain)
            ? "give their bridges to a zone that accepts: `firewall-cmd --permanent --zone=trusted"
                + " --add-interface="
                + bridges
                + "`"
            : "accept packets from and to `"
                + bridges
                + "` there, or set `firewall = \"accept\"` in `[network]`");
  }
}
