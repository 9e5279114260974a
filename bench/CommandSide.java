import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * A whole command. {@code @N} in a word becomes the run's number.
 *
 * @param before a command for bash, not timed; in its environment {@code COLD} is 1 or empty
 */
record CommandSide(String name, String before, List<String> words) implements Side {
  @Override
  public void prepare(int number, boolean cold) throws Exception {
    if (!before.isEmpty()) {
      ProcessBuilder shell = new ProcessBuilder("bash", "-euo", "pipefail", "-c", before);
      shell.environment().put("COLD", cold ? "1" : "");
      shell.redirectOutput(ProcessBuilder.Redirect.DISCARD);
      shell.redirectError(ProcessBuilder.Redirect.INHERIT);
      int exit = shell.start().waitFor();
      if (exit != 0) {
        throw new IOException(before + ": exit " + exit);
      }
    }
  }

  @Override
  public void run(int number) throws Exception {
    Programs.run(words.stream().map(word -> word.replace("@N", "" + number)).toList());
  }

  /** From {@code +KIND NAME BEFORE WORD...}, repeated: those of a kind. */
  static List<Side> ofKind(String kind, List<String> arguments) {
    List<Side> sides = new ArrayList<>();
    for (int i = 0; i < arguments.size(); i++) {
      if (arguments.get(i).equals("+" + kind)) {
        int end = i + 3;
        while (end < arguments.size() && !arguments.get(end).startsWith("+")) {
          end++;
        }
        sides.add(
            new CommandSide(
                arguments.get(i + 1), arguments.get(i + 2), arguments.subList(i + 3, end)));
      }
    }
    return sides;
  }
}
