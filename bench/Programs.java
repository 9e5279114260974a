import io.berth.linux.Fd;
import io.berth.linux.Memfd;
import io.berth.linux.Processes;
import io.berth.linux.SpawnPlan;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Programs started by posix_spawn: what Java's own way takes would be charged to the peer. */
final class Programs {
  private static final Duration PATIENCE = Duration.ofMinutes(5);
  private static final int MAX_OUTPUT = 1 << 20;

  private Programs() {}

  /** Runs one to its end; it must end with 0. */
  static void run(List<String> words) throws IOException {
    run(words, Map.of(), new byte[0]);
  }

  /** The same with input and more environment; answers its output. */
  static byte[] run(List<String> words, Map<String, String> more, byte[] input) throws IOException {
    Map<String, String> environment = new LinkedHashMap<>(System.getenv());
    environment.putAll(more);
    try (Fd in = Memfd.sealed("input", input);
        Fd out = Memfd.create("output");
        Fd err = Memfd.create("errors")) {
      SpawnPlan plan =
          SpawnPlan.of(path(words.getFirst()))
              .arguments(words.subList(1, words.size()))
              .environment(environment)
              .descriptor(0, in)
              .descriptor(1, out)
              .descriptor(2, err);
      try (Processes.Child child = Processes.spawn(plan)) {
        Processes.ExitStatus exit = Processes.awaitExit(child.pidfd(), PATIENCE);
        if (exit == null || exit.shellCode() != 0) {
          throw new IOException(
              String.join(" ", words) + ": " + exit + "\n" + text(out) + text(err));
        }
      }
      out.seek(0);
      return out.readAll(MAX_OUTPUT);
    }
  }

  private static String text(Fd fd) throws IOException {
    fd.seek(0);
    return new String(fd.readAll(MAX_OUTPUT), StandardCharsets.UTF_8);
  }

  private static String path(String program) {
    if (program.contains("/")) {
      return program;
    }
    for (String folder : System.getenv("PATH").split(":")) {
      Path path = Path.of(folder, program);
      if (Files.isExecutable(path)) {
        return path.toString();
      }
    }
    return program;
  }
}
