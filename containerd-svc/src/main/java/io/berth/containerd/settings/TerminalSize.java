package io.berth.containerd.settings;

/**
 * The size of a terminal in characters.
 *
 * @param rows 0 where nothing was said
 * @param columns 0 where nothing was said
 */
public record TerminalSize(int rows, int columns) {
  /** Nothing was said. */
  public static final TerminalSize UNKNOWN = new TerminalSize(0, 0);

  /** Whether both numbers were said. */
  public boolean isKnown() {
    return rows > 0 && columns > 0;
  }
}
