package io.berth.e2e;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The images of the campaign: one that stays, and one for each client to fetch and to load. */
final class KillImages implements AutoCloseable {
  /** Is there all the time. */
  static final String BASE = BusyboxImage.NAME;

  private final LocalRegistry registry;
  private final List<Path> archives = new ArrayList<>();

  /**
   * @param folder of the registry and the archives
   */
  KillImages(BerthInstance berth, Path folder, int clients) throws Exception {
    String base = BusyboxImage.archive(folder).toString();
    berth.berth("load", "-i", base).exits(0);
    berth.ctr("images", "import", base).exits(0);
    registry = new LocalRegistry(folder);
    for (int i = 0; i < clients; i++) {
      List<byte[]> layers = List.of(BusyboxImage.layer(), mark("pulled " + i));
      registry.put("kills/" + i, "1", OciImage.of(layers));
      layers = List.of(BusyboxImage.layer(), mark("loaded " + i));
      archives.add(BusyboxImage.archive(folder, loaded(i), layers, List.of()));
    }
  }

  /** A layer with a file that tells whose it is, and some bytes to fetch. */
  private static byte[] mark(String text) {
    return new BusyboxImage.Tar()
        .file("mark", 0644, text.getBytes(StandardCharsets.UTF_8))
        .file("more", 0644, new byte[1 << 20])
        .bytes();
  }

  /** Where a client fetches its image. */
  String pulled(int client) {
    return registry.ref("kills/" + client + ":1");
  }

  /** The name of the image in a client's archive. */
  static String loaded(int client) {
    return "docker.io/library/loaded-" + client + ":1";
  }

  Path archive(int client) {
    return archives.get(client);
  }

  @Override
  public void close() {
    registry.close();
  }
}
