package io.berth.containerd.container;

import io.berth.base.error.BerthException;
import java.util.Collection;
import java.util.NavigableSet;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Finds the container that a person means by a word: by its full id, by its name, or by the
 * beginning of one id only, in this order.
 */
public final class ReferenceLookup {
  private static final Pattern HEX = Pattern.compile("[0-9a-f]+");
  private static final int SHOWN = 5;

  private ReferenceLookup() {}

  /**
   * The id that is meant. NOT_FOUND when none fits; INVALID_ARGUMENT, with two of the candidates,
   * when the beginning fits several.
   *
   * @param ids all of them, sorted
   * @param idOfName the id that has the name, or null
   */
  public static String find(
      String ref, NavigableSet<String> ids, Function<String, @Nullable String> idOfName) {
    if (ids.contains(ref)) {
      return ref;
    }
    String named = idOfName.apply(ref.startsWith("/") ? ref.substring(1) : ref);
    if (named != null) {
      return named;
    }
    // Every id that begins with the word is below the word with a 'g', the first letter after the
    // hex digits.
    Collection<String> fitting =
        HEX.matcher(ref).matches() ? ids.subSet(ref, true, ref + 'g', false) : ids.headSet("");
    if (fitting.isEmpty()) {
      throw new BerthException.NotFound("No such container: " + ref.replaceAll("\\p{Cntrl}", "?"));
    }
    if (fitting.size() > 1) {
      String candidates =
          String.join(", ", fitting.stream().limit(SHOWN).map(ContainerId::shortened).toList());
      throw new BerthException.InvalidArgument(
          "container `"
              + ref
              + "`: the prefix fits "
              + fitting.size()
              + " containers ("
              + candidates
              + (fitting.size() > SHOWN ? ", ..." : "")
              + "); give more digits");
    }
    return fitting.iterator().next();
  }
}
