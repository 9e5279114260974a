package io.berth.containerd.container;

import io.berth.base.error.BerthException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What ps(1) of the host says of some processes, by options of a person's: ps is asked for those of
 * the whole host, as docker does, for the options may choose as well as show, and of its lines
 * those of the processes are taken.
 *
 * @param titles the first line, a cell for each column
 * @param rows the others; the last cell holds the rest of its line
 */
public record PsTable(List<String> titles, List<List<String>> rows) {
  /** A column under another title would be mistaken for the ids, if the title is theirs. */
  private static final Pattern RENAMED = Pattern.compile("([^\\s,=]*)=\\s*(PID\\S*)");

  private static final int LONGEST_ERROR = 300;
  private static final int MOST_OUTPUT = 64 << 20;
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  public PsTable {
    titles = List.copyOf(titles);
    rows = List.copyOf(rows);
  }

  /**
   * Runs ps.
   *
   * @param options for ps, a word each; none is made into a command or read by a shell
   * @param pids of the processes that are wanted
   * @throws BerthException.InvalidArgument for options that ps does not take, or that leave out the
   *     ids; UNIMPLEMENTED where this host has no ps
   */
  static PsTable of(List<String> options, Set<Integer> pids) throws InterruptedException {
    check(options);
    List<String> line = new ArrayList<>(List.of("ps"));
    line.addAll(options);
    ProcessBuilder builder = new ProcessBuilder(line);
    // A variable of this service must not change what ps prints (ps(1), COLUMNS, PS_FORMAT).
    builder.environment().keySet().removeIf(name -> !name.equals("PATH"));
    builder.environment().put("LC_ALL", "C");
    HostProgram ps;
    try {
      ps = HostProgram.run(builder, new byte[0], MOST_OUTPUT, PATIENCE);
    } catch (TimeoutException e) {
      throw new BerthException.DeadlineExceeded(
          "ps "
              + String.join(" ", options)
              + ": takes longer than "
              + PATIENCE.toSeconds()
              + " s; choose fewer columns, as in `-o pid,comm`",
          e);
    } catch (IOException e) {
      throw new BerthException.NotImplemented(
          "list processes by ps: this host has no ps (Debian: procps)", e);
    }
    if (ps.code() != 0) {
      String why = ps.output().strip().lines().findFirst().orElse("it tells no reason");
      throw new BerthException.InvalidArgument(
          "ps "
              + String.join(" ", options)
              + ": "
              + why.substring(0, Math.min(why.length(), LONGEST_ERROR)));
    }
    return parse(ps.output(), pids);
  }

  private static void check(List<String> options) {
    Matcher renamed = RENAMED.matcher(String.join(" ", options));
    while (renamed.find()) {
      if (!renamed.group(1).equals("pid")) {
        throw new BerthException.InvalidArgument(
            "ps option `"
                + renamed.group()
                + "`: another column than pid cannot have its title; choose another title");
      }
    }
  }

  /** Reads what ps has printed. */
  static PsTable parse(String output, Set<Integer> pids) {
    List<String> lines = output.lines().toList();
    List<String> titles = lines.isEmpty() ? List.of() : fields(lines.getFirst());
    int at = titles.indexOf("PID");
    if (at < 0) {
      throw new BerthException.InvalidArgument(
          "ps: no column PID, by which the processes are found; add it, as in `-o pid,comm`");
    }
    Set<String> wanted = new HashSet<>();
    pids.forEach(pid -> wanted.add(Integer.toUnsignedString(pid)));
    List<List<String>> rows = new ArrayList<>();
    boolean ours = false;
    for (String line : lines.subList(1, lines.size())) {
      List<String> fields = fields(line);
      if (fields.size() <= at) {
        continue;
      }
      // `ps m` shows each thread below its process, with a dash for the id.
      ours = fields.get(at).equals("-") ? ours : wanted.contains(fields.get(at));
      if (ours) {
        int last = titles.size() - 1;
        List<String> row = new ArrayList<>(fields.subList(0, Math.min(last, fields.size())));
        row.add(String.join(" ", fields.subList(Math.min(last, fields.size()), fields.size())));
        rows.add(List.copyOf(row));
      }
    }
    return new PsTable(titles, rows);
  }

  private static List<String> fields(String line) {
    return line.isBlank() ? List.of() : List.of(line.strip().split("[ \\t]+"));
  }
}
