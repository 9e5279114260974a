package io.berth.containerd.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import java.security.SecureRandom;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class NamesTest {
  private static final String ID = "ab".repeat(32);

  /** Gives the numbers it was told, in order. */
  private static final class Told implements RandomGenerator {
    private final Deque<Integer> numbers;

    Told(Integer... numbers) {
      this.numbers = new ArrayDeque<>(List.of(numbers));
    }

    @Override
    public int nextInt(int bound) {
      int next = numbers.removeFirst();
      assertTrue(next < bound);
      return next;
    }

    @Override
    public void nextBytes(byte[] bytes) {
      Arrays.fill(bytes, (byte) (int) numbers.removeFirst());
    }

    @Override
    public long nextLong() {
      throw new IllegalStateException("not asked for");
    }
  }

  @Test
  void anIdIsSixtyFourDigits() {
    String id = ContainerId.generate(new SecureRandom());
    assertTrue(id.matches("[0-9a-f]{64}"), id);
    assertEquals(id, ContainerId.check(id));
  }

  @Test
  void anIdThatBeginsWithTwelveDecimals_isThrownAway() {
    assertEquals("1a".repeat(32), ContainerId.generate(new Told(0x12, 0x99, 0x1a, 0x33)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "ab", "AB", "12"})
  void anIdOfAClient_isChecked(String pair) {
    assertThrows(
        BerthException.InvalidArgument.class,
        () -> ContainerId.check(pair.equals("ab") ? "ab".repeat(31) : pair.repeat(32)));
  }

  @Test
  void theWordsOfTheLists_areNames() {
    for (String file : List.of("adjectives.txt", "surnames.txt")) {
      List<String> words = NameGenerator.words(file);
      assertTrue(words.size() > 90, file);
      assertEquals(words.size(), new TreeSet<>(words).size(), "each once in " + file);
      words.forEach(word -> assertTrue(word.matches("[a-z]+"), word));
    }
    assertTrue(
        NameGenerator.words("surnames.txt")
            .containsAll(
                List.of("agnesi", "albattani", "allen", "almeida", "antonelli", "archimedes")));
  }

  @Test
  void boringWozniak_isNeverMade() {
    NameGenerator names =
        new NameGenerator(
            new Told(0, 1, 0, 1, 0, 0), List.of("boring", "calm"), List.of("turing", "wozniak"));
    assertEquals("boring_turing", names.generate(name -> true, ID));
  }

  @Test
  void aDigitFromTheSecondTryOn_sixTries_thenTheShortId() {
    NameGenerator names =
        new NameGenerator(
            new Told(0, 0, 0, 0, 3, 0, 0, 9, 0, 0, 0, 0, 0, 5, 0, 0, 7),
            List.of("x"),
            List.of("y"));
    List<String> asked = new ArrayList<>();
    assertEquals(
        "abababababab",
        names.generate(
            name -> {
              asked.add(name);
              return false;
            },
            ID));
    assertEquals(List.of("x_y", "x_y3", "x_y9", "x_y0", "x_y5", "x_y7"), asked);
  }

  @ParameterizedTest
  @ValueSource(strings = {"ab", "0-x", "A_b.c-d", "/web1"})
  void aName(String name) {
    assertEquals(name.replace("/", ""), ContainerName.check(name));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a", "/", "_ab", "-ab", "a b", "a/b", "//ab", "ä1", "ab\n"})
  void whatIsNoName_isRefused(String name) {
    BerthException e =
        assertThrows(BerthException.InvalidArgument.class, () -> ContainerName.check(name));
    assertTrue(e.getMessage().contains("only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"));
    assertTrue(!e.getMessage().contains("\n"));
    assertThrows(BerthException.InvalidArgument.class, () -> ContainerName.check("x".repeat(256)));
  }

  // --- look-up

  private static final String FIRST = "aa1" + "0".repeat(61);
  private static final String SECOND = "aa2" + "0".repeat(61);
  private static final String THIRD = "bb" + "f".repeat(62);

  private static String find(String ref, Map<String, String> names) {
    return ReferenceLookup.find(ref, new TreeSet<>(List.of(FIRST, SECOND, THIRD)), names::get);
  }

  @Test
  void fullIdThenNameThenPrefix() {
    assertEquals(FIRST, find(FIRST, Map.of(FIRST, SECOND)), "a full id before a name");
    assertEquals(THIRD, find("aa1", Map.of("aa1", THIRD)), "a name before a prefix");
    assertEquals(FIRST, find("aa1", Map.of()));
    assertEquals(THIRD, find("b", Map.of()));
    assertEquals(THIRD, find("bbf", Map.of()));
    assertEquals(SECOND, find("/web", Map.of("web", SECOND)));
  }

  @Test
  void aPrefixThatFitsTwo_isAnError() {
    BerthException e =
        assertThrows(BerthException.InvalidArgument.class, () -> find("aa", Map.of()));
    assertEquals(
        "container `aa`: the prefix fits 2 containers (aa1000000000, aa2000000000); give more"
            + " digits",
        e.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "c", "AA1", "aa1x", "nope"})
  void whoIsNotThere(String ref) {
    BerthException e =
        assertThrows(BerthException.NotFound.class, () -> find(ref, Collections.emptyMap()));
    assertEquals("No such container: " + ref, e.getMessage());
  }
}
