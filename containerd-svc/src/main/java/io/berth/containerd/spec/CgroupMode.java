package io.berth.containerd.spec;

/** How the host's control groups are laid out. */
public enum CgroupMode {
  /** A hierarchy for each controller. */
  V1("v1"),
  /** Controllers as in version 1, and a unified hierarchy without any beside them. */
  HYBRID("hybrid"),
  /** One unified hierarchy. */
  V2("v2");

  private final String text;

  CgroupMode(String text) {
    this.text = text;
  }

  /** As {@code berth info} shows it. */
  public String text() {
    return text;
  }
}
