import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/**
 * Several sides, measured in rounds: each round runs every side once, in turns forwards and
 * backwards, so all meet the same machine. A ratio is the median of the rounds' ratios, not a ratio
 * of medians.
 *
 * <p>It is done twice: hot, back to back; and cold, with a pause before each run, when the kernel's
 * grace periods and the processor's clock are those of a machine that was quiet.
 *
 * @param target the ratio that was set as a goal; printed, not asserted
 * @param warmUps rounds before the first that counts
 * @param ours sides that get a ratio to each of the peers
 * @param bounds what the machine takes for the least that must be done; no ratio
 */
record Comparison(
    String title,
    double target,
    int rounds,
    int warmUps,
    List<Side> ours,
    List<Side> peers,
    List<Side> bounds) {
  private static final long PAUSE_MILLIS = 60;

  void print() throws Exception {
    System.out.printf(
        Locale.ROOT, "%n%s: ms, %d rounds; first target %.2f%n", title, rounds, target);
    List<Side> sides = new ArrayList<>(ours);
    sides.addAll(peers);
    sides.addAll(bounds);
    int number = 0;
    for (boolean cold : new boolean[] {false, true}) {
      double[][] millis = new double[sides.size()][rounds];
      for (int round = cold ? 0 : -warmUps; round < rounds; round++) {
        for (int turn : order(sides.size(), round)) {
          double spent = measure(sides.get(turn), ++number, cold);
          if (round >= 0) {
            millis[turn][round] = spent;
          }
        }
      }
      print(cold ? "cold" : "hot", sides, millis);
    }
  }

  private static List<Integer> order(int sides, int round) {
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < sides; i++) {
      order.add(i);
    }
    if (round % 2 != 0) {
      Collections.reverse(order);
    }
    return order;
  }

  private static double measure(Side side, int number, boolean cold) throws Exception {
    side.prepare(number, cold);
    if (cold) {
      Thread.sleep(PAUSE_MILLIS);
    }
    long start = System.nanoTime();
    side.run(number);
    double millis = (System.nanoTime() - start) / 1e6;
    side.tidy(number);
    return millis;
  }

  private void print(String column, List<Side> sides, double[][] millis) {
    for (int i = 0; i < sides.size(); i++) {
      StringBuilder ratios = new StringBuilder();
      for (int j = ours.size(); i < ours.size() && j < ours.size() + peers.size(); j++) {
        ratios.append(
            String.format(
                Locale.ROOT, "   %.2f of %s", ratio(millis[i], millis[j]), sides.get(j).name()));
      }
      if (i >= ours.size() + peers.size()) {
        ratios.append("   (bound)");
      }
      System.out.printf(
          Locale.ROOT,
          "  %-5s %-34s min %8.1f  median %8.1f  p90 %8.1f%s%n",
          i == 0 ? column : "",
          sides.get(i).name(),
          share(millis[i], 0),
          share(millis[i], 0.5),
          share(millis[i], 0.9),
          ratios);
    }
  }

  private static double ratio(double[] ours, double[] peer) {
    double[] ratios = new double[ours.length];
    for (int i = 0; i < ratios.length; i++) {
      ratios[i] = ours[i] / peer[i];
    }
    return share(ratios, 0.5);
  }

  /** The value below which this share of the values lies; between two, a part of each. */
  private static double share(double[] values, double share) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    double place = share * (sorted.length - 1);
    int below = (int) place;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
  }
}
