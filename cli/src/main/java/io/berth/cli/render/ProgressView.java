package io.berth.cli.render;

import io.berth.api.berth.image.v1.Progress;
import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Shows the steps of long work. On a terminal there is a line for each part that is drawn over;
 * elsewhere a line is printed whenever a part's status changes, and never for mere counts. Used by
 * one thread.
 */
public final class ProgressView {
  private static final int BAR = 30;

  private final PrintStream out;
  private final boolean terminal;
  private final Map<String, Progress> parts = new LinkedHashMap<>();
  private int drawn;

  /** Shows on a stream, which is not closed. */
  public ProgressView(PrintStream out, boolean terminal) {
    this.out = out;
    this.terminal = terminal;
  }

  /** Shows a step. */
  public void show(Progress step) {
    if (step.getStatus().isEmpty()) {
      return;
    }
    Progress before = parts.put(step.getId(), step);
    if (terminal) {
      draw();
    } else if (before == null
        || !before.getStatus().equals(step.getStatus())
        || !before.getMessage().equals(step.getMessage())) {
      out.println(line(step, /* bar= */ false));
      out.flush();
    }
  }

  private void draw() {
    StringBuilder text = new StringBuilder();
    if (drawn > 0) {
      text.append("\u001b[").append(drawn).append('A');
    }
    parts.values().forEach(part -> text.append(line(part, /* bar= */ true)).append("\u001b[K\n"));
    drawn = parts.size();
    out.print(text);
    out.flush();
  }

  private static String line(Progress step, boolean bar) {
    StringBuilder line = new StringBuilder();
    if (!step.getId().isEmpty()) {
      line.append(Words.shortId(step.getId())).append(": ");
    }
    line.append(step.getStatus());
    if (step.getStatus().equals("retrying") && step.getTotal() > 0) {
      line.append(" (")
          .append(step.getCurrent())
          .append(" of ")
          .append(step.getTotal())
          .append(')');
      return withMessage(line, step);
    }
    boolean moving = step.getTotal() > 0 && step.getCurrent() < step.getTotal();
    if (bar && moving) {
      int filled = (int) (step.getCurrent() * BAR / step.getTotal());
      line.append(" [").append("=".repeat(filled)).append(" ".repeat(BAR - filled)).append("] ");
      line.append(Words.size(step.getCurrent())).append('/').append(Words.size(step.getTotal()));
    } else if (!bar && step.getTotal() > 0) {
      line.append(" (").append(Words.size(step.getTotal())).append(')');
    }
    return withMessage(line, step);
  }

  private static String withMessage(StringBuilder line, Progress step) {
    if (!step.getMessage().isEmpty()) {
      line.append(' ').append(step.getMessage());
    }
    return line.toString().replaceAll("\\p{Cntrl}", "?");
  }
}
