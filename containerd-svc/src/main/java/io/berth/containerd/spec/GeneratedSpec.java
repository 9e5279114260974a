package io.berth.containerd.spec;

import io.berth.oci.runtime.RuntimeSpec;
import java.nio.file.Path;
import java.util.List;

/**
 * A specification, and what it takes to use it.
 *
 * @param foldersToMake folders of the host that are bound and do not exist: make them, with their
 *     parents, 0755, before the start
 * @param warnings one line each, for the person
 */
public record GeneratedSpec(RuntimeSpec spec, List<Path> foldersToMake, List<String> warnings) {
  public GeneratedSpec {
    foldersToMake = List.copyOf(foldersToMake);
    warnings = List.copyOf(warnings);
  }

  /** {@code config.json}. */
  public byte[] json() {
    return SpecJson.bytes(spec);
  }
}
