package io.berth.shim;

import io.berth.base.daemon.Program;
import io.berth.base.layout.StateFolders;
import io.berth.shim.api.ShimProcessNumber;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The program {@code berth-shim}: {@code --config FILE --host N [--warm]} hosts shims as process
 * number N of the instance; {@code --print-plan BUNDLE} shows what would be done for a container.
 */
public final class ShimMain {
  private static final Duration LOOK_EVERY = Duration.ofSeconds(10);

  private ShimMain() {}

  /** Runs until it is told to end. */
  public static void main(String[] arguments) {
    List<String> words = List.of(arguments);
    int plan = words.indexOf("--print-plan");
    if (plan >= 0) {
      if (plan + 1 == words.size()) {
        System.err.println("berth-shim: --print-plan needs the folder of a bundle");
        System.exit(2);
      }
      System.exit(PrintPlan.run(Path.of(words.get(plan + 1)), System.out, System.err));
    }
    List<String> rest = new ArrayList<>(words);
    boolean warm = rest.remove("--warm");
    ShimProcessNumber number = takeNumber(rest);
    if (number == null) {
      System.err.println("berth-shim: --host needs a number");
      System.exit(2);
      return;
    }
    System.exit(
        Program.run(
            StateFolders.shimProcessLock(number.value()),
            rest.toArray(String[]::new),
            System.out,
            System.err,
            config ->
                new ShimProcessDaemon(
                    config, number, warm, ShimMain::endOnThreadOfItsOwn, LOOK_EVERY)));
  }

  private static @Nullable ShimProcessNumber takeNumber(List<String> words) {
    int at = words.indexOf("--host");
    if (at < 0) {
      return new ShimProcessNumber(0);
    }
    if (at + 1 >= words.size() || !words.get(at + 1).matches("[0-9]{1,6}")) {
      return null;
    }
    int number = Integer.parseInt(words.get(at + 1));
    words.subList(at, at + 2).clear();
    return new ShimProcessNumber(number);
  }

  /** System.exit waits for the daemon to stop, which waits for the call that drained it. */
  private static void endOnThreadOfItsOwn() {
    Thread.ofPlatform().name("drained").start(() -> System.exit(0));
  }
}
