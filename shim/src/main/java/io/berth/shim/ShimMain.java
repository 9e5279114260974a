package io.berth.shim;

import io.berth.base.config.Config;
import io.berth.base.daemon.Daemon;
import io.berth.base.daemon.Program;
import io.berth.base.layout.StateFolders;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * {@code berth-shim --config FILE --host N [--warm]}, or {@code berth-shim --print-plan BUNDLE} for
 * people.
 */
public final class ShimMain {
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
    HostNumber number = takeNumber(rest);
    if (number == null) {
      System.err.println("berth-shim: --host needs a number");
      System.exit(2);
      return;
    }
    String name = StateFolders.shimProcessLock(number.value());
    System.exit(
        Program.run(
            name,
            rest.toArray(String[]::new),
            System.out,
            System.err,
            config -> daemon(config, number)));
  }

  private static @Nullable HostNumber takeNumber(List<String> words) {
    boolean warm = words.remove("--warm");
    int at = words.indexOf("--host");
    if (at < 0) {
      return new HostNumber(0, warm);
    }
    if (at + 1 >= words.size() || !words.get(at + 1).matches("[0-9]{1,6}")) {
      return null;
    }
    int number = Integer.parseInt(words.get(at + 1));
    words.subList(at, at + 2).clear();
    return new HostNumber(number, warm);
  }

  private static Daemon daemon(Config config, HostNumber number) {
    return DaggerHostComponent.factory()
        .create(
            config, number, () -> Thread.ofPlatform().name("drained").start(() -> System.exit(0)))
        .daemon();
  }
}
