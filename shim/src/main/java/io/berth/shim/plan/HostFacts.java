package io.berth.shim.plan;

/**
 * What a plan depends on beside the documents.
 *
 * @param capabilities what this process may give away, as a set
 * @param sources what stands at a path of the host's
 */
public record HostFacts(boolean appArmor, boolean seLinux, long capabilities, Sources sources) {
  /** Looks at the host's files. */
  public interface Sources {
    /** Follows symbolic links. */
    Kind at(String path);
  }

  /** What stands at a path. */
  public enum Kind {
    ABSENT,
    FOLDER,
    FILE
  }
}
