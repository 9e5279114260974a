package io.berth.containerd.task;

/** Where a process's streams lead: paths of FIFOs or URIs, empty for nowhere. */
public record Stdio(String stdin, String stdout, String stderr, boolean terminal) {
  /** Nowhere. */
  public static final Stdio NULL = new Stdio("", "", "", false);
}
