package io.berth.containerd.spec;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Numbers of processors or memory nodes, in the list format of cpuset(7): {@code 0-2,7}. */
public final class NumberSet {
  private static final Pattern FORM =
      Pattern.compile("\\d{1,6}(-\\d{1,6})?(,\\d{1,6}(-\\d{1,6})?)*");

  private final BitSet numbers;

  private NumberSet(BitSet numbers) {
    this.numbers = numbers;
  }

  /** The numbers from zero on. */
  public static NumberSet below(int end) {
    BitSet numbers = new BitSet();
    numbers.set(0, end);
    return new NumberSet(numbers);
  }

  /** Reads a list; null for a text that is none. */
  public static @Nullable NumberSet parse(String text) {
    if (!FORM.matcher(text).matches()) {
      return null;
    }
    BitSet numbers = new BitSet();
    for (String part : text.split(",", -1)) {
      int dash = part.indexOf('-');
      int first = Integer.parseInt(dash < 0 ? part : part.substring(0, dash));
      int last = dash < 0 ? first : Integer.parseInt(part.substring(dash + 1));
      if (last < first) {
        return null;
      }
      numbers.set(first, last + 1);
    }
    return new NumberSet(numbers);
  }

  /** Whether all of the other's numbers are among these. */
  public boolean containsAll(NumberSet other) {
    BitSet missing = (BitSet) other.numbers.clone();
    missing.andNot(numbers);
    return missing.isEmpty();
  }

  @Override
  public String toString() {
    List<String> parts = new ArrayList<>();
    for (int first = numbers.nextSetBit(0), end; first >= 0; first = numbers.nextSetBit(end)) {
      end = numbers.nextClearBit(first);
      parts.add(end - first == 1 ? String.valueOf(first) : first + "-" + (end - 1));
    }
    return String.join(",", parts);
  }
}
