package io.berth.shim.plan;

import io.berth.linux.supervisor.Step;
import java.util.List;

/** A plan for people: a line for each step. */
public final class PlanText {
  private PlanText() {}

  /** The plan's namespaces and then its steps; every line ends with a newline. */
  public static String of(InitPlan plan) {
    return "namespaces 0x" + Integer.toHexString(plan.namespaces()) + "\n" + of(plan.steps());
  }

  /** A line for each step; every line ends with a newline. */
  public static String of(List<Step> steps) {
    StringBuilder text = new StringBuilder();
    for (Step step : steps) {
      text.append(step.toString().replace("\\", "\\\\").replace("\n", "\\n")).append('\n');
    }
    return text.toString();
  }
}
