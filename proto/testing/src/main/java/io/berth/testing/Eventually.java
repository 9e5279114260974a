package io.berth.testing;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Waits for what another thread, process or the kernel does at its own pace: asks again and again
 * until the answer is the wanted one, and fails with the last answer when patience ends. A test
 * that waits in any other way either takes longer than it must or fails on a slow machine.
 *
 * <p>The question may throw: as long as there is patience a failure counts as an answer that is not
 * the wanted one. Blocks the calling thread.
 */
public final class Eventually {
  /** Long beside any machine that still works, for it is waited out only by a test that fails. */
  public static final Duration PATIENCE = Duration.ofSeconds(30);

  private static final Duration PAUSE = Duration.ofMillis(10);

  private Eventually() {}

  /** A condition that may throw. */
  @FunctionalInterface
  public interface Condition {
    boolean holds() throws Exception;
  }

  /** Returns when the condition holds; {@code what} completes the sentence "never …". */
  public static void holds(String what, Condition condition) throws InterruptedException {
    answers(what, condition::holds, Boolean::booleanValue);
  }

  /** Returns the first answer that is accepted, within {@link #PATIENCE}. */
  public static <T> T answers(String what, Callable<T> question, Predicate<? super T> accepted)
      throws InterruptedException {
    return answersWithin(PATIENCE, what, question, accepted);
  }

  /**
   * The same with another patience, for what is known to take long.
   *
   * @throws AssertionError with the last answer, or caused by the last failure
   */
  public static <T> T answersWithin(
      Duration patience, String what, Callable<T> question, Predicate<? super T> accepted)
      throws InterruptedException {
    long deadline = System.nanoTime() + patience.toNanos();
    while (true) {
      boolean last = System.nanoTime() - deadline >= 0;
      String answered;
      @Nullable Throwable failure = null;
      try {
        T answer = Objects.requireNonNull(question.call(), "no answer");
        if (accepted.test(answer)) {
          return answer;
        }
        answered = "the last answer was " + answer;
      } catch (InterruptedException e) {
        throw e;
      } catch (Exception | AssertionError e) {
        answered = "the last answer was " + e;
        failure = e;
      }
      if (last) {
        throw new AssertionError("never " + what + "; " + answered, failure);
      }
      Thread.sleep(PAUSE);
    }
  }
}
