package io.berth.cli.command;

import io.berth.base.error.BerthException;
import picocli.CommandLine.Option;

/** Docker's wish for signed images, which can be taken back only: there is no notary to ask. */
final class ContentTrust {
  @Option(
      names = "--disable-content-trust",
      arity = "0..1",
      fallbackValue = "true",
      paramLabel = "true",
      description = "Signatures of images are not looked at; cannot be switched on")
  private boolean off = true;

  /** INVALID_ARGUMENT for who wants signatures checked. */
  void check() {
    if (!off) {
      throw new BerthException.InvalidArgument(
          "--disable-content-trust=false: signatures of images are not checked here; name the"
              + " image by its digest");
    }
  }
}
