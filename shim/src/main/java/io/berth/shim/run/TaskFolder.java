package io.berth.shim.run;

import java.nio.file.Path;

/** What lies where in a task's folder. */
public record TaskFolder(Path path) {
  public Path bundle() {
    return path.resolve("bundle");
  }

  /** The specification. */
  public Path config() {
    return bundle().resolve("config.json");
  }

  /** Where a root is attached that does not come from the specification. */
  public Path rootfs() {
    return bundle().resolve("rootfs");
  }

  public Path record() {
    return path.resolve("shim.json");
  }

  public Path execs() {
    return path.resolve("exec");
  }

  /** What is kept of one exec; its id is a checked identifier. */
  public Path exec(String id) {
    return execs().resolve(id + ".json");
  }

  /** The process of an exec that is too long for a message, until it has been read. */
  Path process(String id) {
    return execs().resolve(id + ".spec");
  }

  public Path shimSocket() {
    return path.resolve("shim.sock");
  }

  public Path supervisorSocket() {
    return path.resolve("sup.sock");
  }
}
