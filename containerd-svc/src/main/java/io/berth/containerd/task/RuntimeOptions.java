package io.berth.containerd.task;

import com.google.protobuf.Any;
import io.berth.base.error.BerthException;

/** Knows the options of a runtime, which are a message that only the wire gives a meaning. */
@FunctionalInterface
public interface RuntimeOptions {
  /**
   * Refuses options that are not those of our runtime; absent ones pass.
   *
   * @param runtime named in the refusal
   * @throws BerthException.Unknown as containerd does, which has no class for this failure
   */
  void check(Any options, String runtime);
}
