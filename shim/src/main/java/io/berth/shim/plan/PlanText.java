package io.berth.shim.plan;

import java.util.List;

/** A plan for people: a line for each step. */
public final class PlanText {
  private PlanText() {}

  /** Every line ends with a newline. */
  public static String of(InitPlan plan) {
    return "namespaces 0x" + Integer.toHexString(plan.namespaces()) + "\n" + of(plan.steps());
  }

  /** Every line ends with a newline. */
  public static String of(List<Step> steps) {
    StringBuilder text = new StringBuilder();
    for (Step step : steps) {
      text.append(step.toString().replace("\\", "\\\\").replace("\n", "\\n")).append('\n');
    }
    return text.toString();
  }
}
