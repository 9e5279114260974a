import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * Whole commands side by side, run as a source file: {@code java Compare.java pairs NAME COUNT -- OURS... -- PEER...}.
 *
 * <p>The two are run alternately, so that both meet the same machine; the ratio is the median of the pairs' ratios, not a ratio of
 * medians. Each comparison is done hot (back to back) and cold (60 ms pause before each run: the kernel's grace periods and the
 * processor's clock are then those of a machine that was quiet). {@code @N} in a word becomes the run's number.
 */
public final class Compare {
  private static final long PAUSE_MILLIS = 60;

  private Compare() {}

  public static void main(String[] arguments) throws Exception {
    switch (arguments.length == 0 ? "" : arguments[0]) {
      case "pairs" -> pairs(arguments);
      case "once" -> once(arguments);
      case "memory" -> memory(arguments[1], arguments[2]);
      default -> {
        System.err.println("usage: Compare.java pairs NAME COUNT -- OURS... -- PEER... | once NAME -- COMMAND... | memory NAME MARK");
        System.exit(2);
      }
    }
  }

  private static void pairs(String[] arguments) throws Exception {
    String name = arguments[1];
    int count = Integer.parseInt(arguments[2]);
    List<List<String>> commands = commands(arguments, 3);
    double[] bound = new double[20];
    for (int i = 0; i < bound.length; i++) {
      bound[i] = run(List.of("/bin/true"), 0);
    }
    System.out.printf(Locale.ROOT, "%-34s %-5s %9s %9s %9s %9s %9s%n", name, "", "ours p50", "ours p95", "peer p50", "peer p95", "ours/peer");
    for (boolean cold : new boolean[] {false, true}) {
      double[] ours = new double[count];
      double[] peer = new double[count];
      double[] ratio = new double[count];
      int serial = cold ? 100_000 : 0;
      for (int i = -2; i < count; i++) {
        double a = after(cold, commands.get(0), serial + i + 10);
        double b = after(cold, commands.get(1), serial + i + 10);
        if (i >= 0) {
          ours[i] = a;
          peer[i] = b;
          ratio[i] = a / b;
        }
      }
      System.out.printf(
          Locale.ROOT, "%-34s %-5s %9.1f %9.1f %9.1f %9.1f %9.2f%n", "", cold ? "cold" : "hot",
          at(ours, 0.5), at(ours, 0.95), at(peer, 0.5), at(peer, 0.95), at(ratio, 0.5));
    }
    System.out.printf(Locale.ROOT, "%-34s bound: start and end of /bin/true from here %.1f ms (all figures in ms, %d pairs)%n", "", at(bound, 0.5), count);
  }

  private static void once(String[] arguments) throws Exception {
    System.out.printf(Locale.ROOT, "%-34s %9.1f ms%n", arguments[1], run(commands(arguments, 2).getFirst(), 1));
  }

  /** Private memory of all processes whose command line has the mark, in KiB (proc(5), smaps_rollup, Private_Clean + Private_Dirty). */
  private static void memory(String name, String mark) throws IOException {
    long total = 0;
    int processes = 0;
    try (Stream<Path> all = Files.list(Path.of("/proc"))) {
      for (Path process : all.filter(path -> path.getFileName().toString().matches("\\d+")).toList()) {
        try {
          if (Files.readString(process.resolve("cmdline")).contains(mark) && !process.getFileName().toString().equals(String.valueOf(ProcessHandle.current().pid()))) {
            for (String line : Files.readAllLines(process.resolve("smaps_rollup"))) {
              if (line.startsWith("Private_")) {
                total += Long.parseLong(line.replaceAll("\\D+", ""));
              }
            }
            processes++;
          }
        } catch (IOException e) {
          continue; // It ended while it was read.
        }
      }
    }
    System.out.printf(Locale.ROOT, "%-34s %9d KiB private in %d processes%n", name, total, processes);
  }

  private static List<List<String>> commands(String[] arguments, int from) {
    List<List<String>> commands = new ArrayList<>();
    for (String word : Arrays.asList(arguments).subList(from, arguments.length)) {
      if (word.equals("--")) {
        commands.add(new ArrayList<>());
      } else {
        commands.getLast().add(word);
      }
    }
    return commands;
  }

  private static double after(boolean cold, List<String> command, int number) throws Exception {
    if (cold) {
      Thread.sleep(PAUSE_MILLIS);
    }
    return run(command, number);
  }

  private static double run(List<String> command, int number) throws Exception {
    List<String> line = command.stream().map(word -> word.replace("@N", String.valueOf(number))).toList();
    ProcessBuilder builder = new ProcessBuilder(line);
    builder.redirectOutput(ProcessBuilder.Redirect.DISCARD);
    File errors = File.createTempFile("compare", ".err");
    builder.redirectError(errors);
    long start = System.nanoTime();
    Process process = builder.start();
    process.getOutputStream().close();
    int exit = process.waitFor();
    double millis = (System.nanoTime() - start) / 1e6;
    String said = Files.readString(errors.toPath());
    errors.delete();
    if (exit != 0) {
      throw new IllegalStateException("exit " + exit + ": " + String.join(" ", line) + "\n" + said);
    }
    return millis;
  }

  private static double at(double[] values, double share) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[(int) Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  }
}
