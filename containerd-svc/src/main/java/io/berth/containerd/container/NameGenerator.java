package io.berth.containerd.container;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;

/**
 * Makes names for containers whose maker gave none: {@code adjective_surname}. As safe for several
 * threads as its random source, which need not be secure.
 */
public final class NameGenerator {
  private static final int TRIES = 6;

  /** The one pair of words that is never made; docker leaves it out too. */
  private static final String NEVER = "boring_wozniak";

  private final RandomGenerator random;
  private final List<String> adjectives;
  private final List<String> surnames;

  /** Takes its words from the lists beside this class. */
  public NameGenerator(RandomGenerator random) {
    this(random, words("adjectives.txt"), words("surnames.txt"));
  }

  NameGenerator(RandomGenerator random, List<String> adjectives, List<String> surnames) {
    this.random = random;
    this.adjectives = List.copyOf(adjectives);
    this.surnames = List.copyOf(surnames);
  }

  /**
   * A name that could be taken, or after six tries the first digits of the id. From the second try
   * on a digit follows the words.
   *
   * @param take takes a name if it is free, and says whether it was
   * @param id of the container; its first digits are answered without asking when every try failed
   */
  public String generate(Predicate<String> take, String id) {
    for (int tries = 0; tries < TRIES; tries++) {
      String name = name(tries);
      if (take.test(name)) {
        return name;
      }
    }
    return ContainerId.shortened(id);
  }

  private String name(int tries) {
    while (true) {
      String words = one(adjectives) + "_" + one(surnames);
      if (!words.equals(NEVER)) {
        return tries > 0 ? words + random.nextInt(10) : words;
      }
    }
  }

  private String one(List<String> words) {
    return words.get(random.nextInt(words.size()));
  }

  static List<String> words(String resource) {
    try (InputStream in = NameGenerator.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException("resource " + resource + " is missing from this build");
      }
      return List.of(new String(in.readAllBytes(), UTF_8).strip().split("\\s+"));
    } catch (IOException e) {
      throw new IllegalStateException("resource " + resource + " cannot be read", e);
    }
  }
}
