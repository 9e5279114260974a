package io.berth.containerd.container;

import io.berth.base.error.BerthException;
import java.util.regex.Pattern;

/** Checks the names that people give to containers. */
public final class ContainerName {
  private static final Pattern RULE = Pattern.compile("[a-zA-Z0-9][a-zA-Z0-9_.-]+");
  private static final int LONGEST = 255;

  private ContainerName() {}

  /**
   * The name without the slash that docker's clients may put before it. INVALID_ARGUMENT for a text
   * that cannot be a name.
   */
  public static String check(String given) {
    String name = given.startsWith("/") ? given.substring(1) : given;
    if (name.length() > LONGEST || !RULE.matcher(name).matches()) {
      String shown = given.length() > LONGEST ? given.substring(0, 40) + "..." : given;
      throw new BerthException.InvalidArgument(
          "container name `"
              + shown.replaceAll("\\p{Cntrl}", "?")
              + "`: only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed, from 2 to "
              + LONGEST
              + " characters");
    }
    return name;
  }
}
