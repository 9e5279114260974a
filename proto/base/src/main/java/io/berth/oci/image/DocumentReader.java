package io.berth.oci.image;

import io.berth.base.error.BerthException;
import io.berth.base.json.Json;

/** Reads documents of images. */
final class DocumentReader {
  private DocumentReader() {}

  /**
   * Reads a document whose class checks its fields. The parser wraps the failure of such a check in
   * one of its own, and clients see the words of the check.
   *
   * @param what names the document in the text of INVALID_ARGUMENT
   */
  static <T> T read(byte[] bytes, Class<T> type, String what) {
    try {
      return Json.read(bytes, type, what);
    } catch (BerthException.InvalidArgument e) {
      for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
        if (cause instanceof BerthException.InvalidArgument check) {
          throw new BerthException.InvalidArgument(
              "parse " + what + ": " + check.getMessage(), check);
        }
      }
      throw e;
    }
  }
}
