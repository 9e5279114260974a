import com.fasterxml.jackson.databind.JsonNode;
import io.berth.base.json.Json;
import io.berth.linux.GzipDecoder;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;

/**
 * Pull and unpack by whole commands, and beside them the machine's bound: {@code Pull ROUNDS
 * REGISTRY REPOSITORY MANIFEST FOLDER SIDE...}, sides as in {@link Commands}.
 */
final class Pull {
  private Pull() {}

  public static void main(String[] arguments) throws Exception {
    URI blobs = URI.create("http://" + arguments[1] + "/v2/" + arguments[2] + "/blobs/");
    JsonNode manifest = Json.mapper().readTree(Path.of(arguments[3]).toFile());
    List<String> sides = List.of(arguments).subList(5, arguments.length);
    try (RawTransfer bound = new RawTransfer(blobs, manifest, Path.of(arguments[4]))) {
      new Comparison(
              "pull and unpack",
              0.5,
              Integer.parseInt(arguments[0]),
              /* warmUps= */ 0,
              CommandSide.ofKind("ours", sides),
              CommandSide.ofKind("peer", sides),
              List.of(bound))
          .print();
    }
  }

  /**
   * The same bytes fetched, the layers side by side, inflated, and both kinds written to files: no
   * digest is made, no archive read, nothing synced.
   */
  private static final class RawTransfer implements Side, AutoCloseable {
    private static final int PIECE = 256 << 10;

    private final HttpClient http = HttpClient.newHttpClient();
    private final ExecutorService threads = Executors.newFixedThreadPool(4);
    private final URI blobs;
    private final JsonNode manifest;
    private final Path folder;

    RawTransfer(URI blobs, JsonNode manifest, Path folder) {
      this.blobs = blobs;
      this.manifest = manifest;
      this.folder = folder;
    }

    @Override
    public String name() {
      return "fetch, inflate, write";
    }

    @Override
    public void prepare(int number, boolean cold) throws Exception {
      Files.createDirectories(folder);
      Programs.run(List.of("bash", "-c", cold ? "sync; echo 3 >/proc/sys/vm/drop_caches" : "sync"));
    }

    @Override
    public void run(int number) throws Exception {
      List<Future<Void>> layers = new ArrayList<>();
      for (JsonNode layer : manifest.get("layers")) {
        layers.add(
            threads.submit(() -> {
              fetch(layer.get("digest").asText());
              return null;
            }));
      }
      for (Future<Void> layer : layers) {
        layer.get();
      }
    }

    private void fetch(String digest) throws Exception {
      HttpResponse<InputStream> response =
          http.send(
              HttpRequest.newBuilder(URI.create(blobs + digest)).build(),
              HttpResponse.BodyHandlers.ofInputStream());
      if (response.statusCode() != 200) {
        throw new IOException(response.toString());
      }
      String name = digest.substring(digest.indexOf(':') + 1);
      try (InputStream body = response.body();
          FileChannel packed = create(name + ".gz");
          FileChannel unpacked = create(name + ".tar");
          Arena arena = Arena.ofConfined();
          GzipDecoder decoder = GzipDecoder.create()) {
        MemorySegment output = arena.allocate(PIECE);
        MemorySegment input = arena.allocate(PIECE);
        byte[] piece = new byte[PIECE];
        for (int read = body.read(piece); read >= 0; read = body.read(piece)) {
          write(packed, ByteBuffer.wrap(piece, 0, read));
          MemorySegment.copy(MemorySegment.ofArray(piece), 0, input, 0, read);
          inflate(decoder, input.asSlice(0, read), output, unpacked);
        }
      }
    }

    private static void inflate(
        GzipDecoder decoder, MemorySegment input, MemorySegment output, FileChannel to)
        throws IOException {
      long from = 0;
      GzipDecoder.Progress progress;
      do {
        progress = decoder.decode(input.asSlice(from), output);
        from += progress.consumed();
        write(to, output.asSlice(0, progress.produced()).asByteBuffer());
      } while (progress.produced() == output.byteSize() || from < input.byteSize());
    }

    private static void write(FileChannel to, ByteBuffer bytes) throws IOException {
      while (bytes.hasRemaining()) {
        to.write(bytes);
      }
    }

    private FileChannel create(String name) throws IOException {
      return FileChannel.open(
          folder.resolve(name), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    }

    @Override
    public void tidy(int number) throws IOException {
      try (Stream<Path> files = Files.list(folder)) {
        for (Path file : files.toList()) {
          Files.delete(file);
        }
      }
    }

    @Override
    public void close() {
      threads.shutdown();
      http.close();
    }
  }
}
