package io.berth.image.library;

/**
 * Is told how long work goes on. The calls come from several threads and must not block for long.
 */
public interface ProgressListener {
  /** Listens to nothing. */
  ProgressListener SILENT = (_, _, _, _) -> {};

  /**
   * Work on a part has got on.
   *
   * @param part what it is about: a layer's short digest; empty for the whole
   * @param status one word: waiting, downloading, verifying, unpacking, done, exists, retrying,
   *     pushing
   * @param current bytes so far
   * @param total bytes in the end, 0 if unknown
   */
  void step(String part, String status, long current, long total);

  /** The first twelve digits of a digest, as a part is shown. */
  static String part(String digest) {
    int colon = digest.indexOf(':') + 1;
    return digest.substring(colon, Math.min(digest.length(), colon + 12));
  }
}
