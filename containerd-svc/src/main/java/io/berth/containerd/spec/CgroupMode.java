package io.berth.containerd.spec;

/** How the host's control groups are laid out. */
public enum CgroupMode {
  /** Version 1: a hierarchy for each controller (cgroups(7)). */
  V1("v1"),
  /** Controllers as in version 1, and beside them a unified hierarchy without controllers. */
  HYBRID("hybrid"),
  /** Version 2: one unified hierarchy. */
  V2("v2");

  private final String text;

  CgroupMode(String text) {
    this.text = text;
  }

  /** The word that {@code berth info} shows. */
  public String text() {
    return text;
  }
}
