package io.berth.shim.plan;

/**
 * What a plan depends on beside the documents: facts of the machine.
 *
 * @param capabilities what this process may give away, a bit for each
 * @param sources tells what stands at a path of the machine
 */
public record MachineFacts(boolean appArmor, boolean seLinux, long capabilities, Sources sources) {
  /** Looks at the machine's files. */
  public interface Sources {
    /** What stands there; symbolic links are followed. */
    Kind at(String path);
  }

  /** What stands at a path. */
  public enum Kind {
    ABSENT,
    FOLDER,
    FILE
  }
}
