package io.berth.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Compiles a small C program against the headers of this machine and reads the {@code name value}
 * lines that it prints.
 */
public final class CProbe {
  private CProbe() {}

  public static Map<String, Long> run(Path source, Path workFolder, String... options)
      throws IOException, InterruptedException {
    Path program = workFolder.resolve("probe");
    List<String> compile = new ArrayList<>(List.of("gcc", "-std=gnu17", "-O0"));
    compile.addAll(List.of(options));
    compile.addAll(List.of("-o", program.toString(), source.toString()));
    output(compile, workFolder);
    Map<String, Long> values = new HashMap<>();
    for (String line : output(List.of(program.toString()), workFolder).lines().toList()) {
      int blank = line.indexOf(' ');
      values.put(line.substring(0, blank), Long.parseLong(line.substring(blank + 1)));
    }
    return values;
  }

  private static String output(List<String> command, Path workFolder)
      throws IOException, InterruptedException {
    Path out = workFolder.resolve("out");
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(out.toFile()).start();
    int code = process.waitFor();
    String text = Files.readString(out, StandardCharsets.UTF_8);
    assertEquals(0, code, () -> String.join(" ", command) + "\n" + text);
    return text;
  }
}
