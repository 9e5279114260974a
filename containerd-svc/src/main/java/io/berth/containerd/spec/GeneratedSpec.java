package io.berth.containerd.spec;

import io.berth.oci.runtime.RuntimeSpec;
import java.nio.file.Path;
import java.util.List;

/**
 * A specification, and what must be done before it can be used.
 *
 * @param spec the specification
 * @param foldersToMake folders of the host that are bound and do not exist; they are to be made
 *     with their parents, mode 0755, before the start
 * @param warnings what the person should know, one line each
 */
public record GeneratedSpec(RuntimeSpec spec, List<Path> foldersToMake, List<String> warnings) {
  public GeneratedSpec {
    foldersToMake = List.copyOf(foldersToMake);
    warnings = List.copyOf(warnings);
  }

  /** The document {@code config.json}. */
  public byte[] json() {
    return SpecJson.bytes(spec);
  }
}
