package io.berth.image.library;

/** Hears how long work goes on. Called from several threads; must not block for long. */
public interface ProgressListener {
  /** Nobody listens. */
  ProgressListener SILENT = (_, _, _, _) -> {};

  /**
   * One step.
   *
   * @param part what it is about: a layer's short digest; empty for the whole
   * @param status one word: waiting, downloading, verifying, unpacking, done, exists, retrying,
   *     pushing
   * @param current bytes so far
   * @param total bytes in the end, 0 if unknown
   */
  void step(String part, String status, long current, long total);

  /** How a digest is shown. */
  static String part(String digest) {
    int colon = digest.indexOf(':') + 1;
    return digest.substring(colon, Math.min(digest.length(), colon + 12));
  }
}
