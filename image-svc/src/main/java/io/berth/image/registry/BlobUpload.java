package io.berth.image.registry;

import io.berth.base.error.BerthException;
import io.berth.base.id.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.function.LongConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * An upload of one blob (distribution-spec, "Pushing blobs"). A small one goes in one request, a
 * larger one in pieces: after a connection that broke, the registry is asked how far it has come,
 * and the upload goes on from there. Where a registry takes no pieces, everything goes in one
 * request after all. Belongs to one thread.
 */
final class BlobUpload {
  /** The size of a piece: stores behind registries want at least five mebibytes. */
  static final int PIECE = 8 << 20;

  private static final long LONGEST_PIECE = 1L << 30;
  private static final Pattern RANGE = Pattern.compile("(?:bytes=)?0-([0-9]{1,18})");

  private final String what;
  private final HttpExchange http;
  private final Address start;
  private final boolean mayMount;
  private final Digest digest;
  private final Path file;
  private boolean isInPieces = true;
  private long piece = PIECE;

  /** Where the registry wants the content; null before it has said so. */
  private @Nullable Address place;

  /** So many bytes the registry has. */
  private long sent;

  /** The most that it ever had: only what is beyond is a step on. */
  private long furthest;

  /** Whether only the registry knows how many bytes it has. */
  private boolean isUnsure;

  /**
   * @param what the words for an error
   * @param start where uploads are asked for
   * @param mayMount whether that asks to take the blob over from another repository
   */
  BlobUpload(
      String what, HttpExchange http, Address start, boolean mayMount, Digest digest, Path file) {
    this.what = what;
    this.http = http;
    this.start = start;
    this.mayMount = mayMount;
    this.digest = digest;
    this.file = file;
  }

  /** Whether the registry has the blob already. */
  interface Known {
    boolean isThere() throws IOException;
  }

  /**
   * Uploads the blob; answers whether it was sent. Each piece that it never had gives all attempts
   * back.
   *
   * @param progress hears how many bytes the registry has
   */
  boolean run(Retry retry, Known known, LongConsumer progress) {
    try (FileChannel content = FileChannel.open(file)) {
      long size = content.size();
      while (true) {
        try {
          if (place == null) {
            if (known.isThere() || !begin()) {
              return false;
            }
          } else if (isUnsure && !goOn(size)) {
            continue;
          }
          progress.accept(sent);
          if (pieces(content, size, retry, progress) && finish(content, size)) {
            return true;
          }
        } catch (BerthException.Unavailable | IOException e) {
          isUnsure = true;
          retry.failed(e);
        }
      }
    } catch (IOException e) {
      throw new BerthException.DataLoss(
          "read content " + digest + ": its file is gone; pull or import it again", e);
    }
  }

  /** Asks for an upload; false if the registry took the blob over from another repository. */
  private boolean begin() throws IOException {
    sent = 0;
    isUnsure = false;
    HttpResponse<InputStream> begun =
        http.send(
            what, start, request -> request.POST(HttpRequest.BodyPublishers.noBody()), "pull,push");
    try (InputStream body = begun.body()) {
      if (begun.statusCode() == 201 && mayMount) {
        return false;
      }
      if (begun.statusCode() != 202) {
        throw http.refusal(what, begun, body);
      }
      long least = begun.headers().firstValueAsLong("OCI-Chunk-Min-Length").orElse(0);
      piece = Math.clamp(least, PIECE, LONGEST_PIECE);
      place = next(begun, null);
      return true;
    }
  }

  private Address next(HttpResponse<?> answer, @Nullable Address before) {
    String told = answer.headers().firstValue("Location").orElse("");
    return told.isEmpty() && before != null ? before : Address.answering(answer).led(what, told);
  }

  private Address at() {
    Address at = place;
    if (at == null) {
      throw new IllegalStateException("no upload was begun");
    }
    return at;
  }

  /**
   * Asks how far an upload has come that broke off. False if the registry does not say: then it
   * begins anew.
   */
  private boolean goOn(long size) throws IOException {
    if (!isInPieces || size <= piece) {
      place = null;
      return false;
    }
    HttpResponse<InputStream> answer = http.send(what, at(), HttpRequest.Builder::GET, "pull,push");
    try (InputStream _ = answer.body()) {
      Matcher range = RANGE.matcher(answer.headers().firstValue("Range").orElse(""));
      boolean told = answer.statusCode() == 204 || answer.statusCode() == 202;
      if (!told || !range.matches() || has(range) > size) {
        place = null;
        return false;
      }
      sent = has(range);
      place = next(answer, at());
      isUnsure = false;
      return true;
    }
  }

  /** The bytes that a registry has by its own words. Some say {@code 0-0} for none at all. */
  private static long has(Matcher range) {
    long last = Long.parseLong(range.group(1));
    return last == 0 ? 0 : last + 1;
  }

  /** Sends what goes in pieces; false if everything has to begin anew. */
  private boolean pieces(FileChannel content, long size, Retry retry, LongConsumer progress)
      throws IOException {
    if (!isInPieces || (sent == 0 && size <= piece)) {
      return true;
    }
    while (sent < size) {
      long end = Math.min(size, sent + piece);
      String range = sent + "-" + (end - 1);
      HttpRequest.BodyPublisher part = part(content, sent, end);
      HttpResponse<InputStream> answer =
          http.send(
              what,
              at(),
              request ->
                  request
                      .header("Content-Type", "application/octet-stream")
                      .header("Content-Range", range)
                      .method("PATCH", part),
              "pull,push");
      try (InputStream body = answer.body()) {
        int status = answer.statusCode();
        if (status == 416) {
          throw new IOException(what + ": the registry has another part than " + range);
        }
        if (status >= 200 && status < 300) {
          Matcher told = RANGE.matcher(answer.headers().firstValue("Range").orElse(""));
          long has = told.matches() ? has(told) : end;
          if (has <= sent || has > end) {
            throw new IOException(
                what + ": of the bytes " + range + " the registry has taken none");
          }
          sent = has;
          place = next(answer, at());
        } else if (status >= 400 && status < 500 && status != 401 && status != 403) {
          isInPieces = false;
          place = null;
          return false;
        } else {
          throw http.refusal(what, answer, body);
        }
      }
      if (sent > furthest) {
        furthest = sent;
        retry.succeeded();
      }
      progress.accept(sent);
    }
    return true;
  }

  /** Sends what is left, and ends the upload; false if everything has to begin anew. */
  private boolean finish(FileChannel content, long size) throws IOException {
    HttpRequest.BodyPublisher rest = part(content, sent, size);
    HttpResponse<InputStream> done =
        http.send(
            what,
            at().with("digest=" + digest),
            request -> request.header("Content-Type", "application/octet-stream").PUT(rest),
            "pull,push");
    try (InputStream body = done.body()) {
      if (done.statusCode() == 201 || done.statusCode() == 200 || done.statusCode() == 204) {
        return true;
      }
      if (sent > 0 && isInPieces && done.statusCode() >= 400 && done.statusCode() < 500) {
        // What came in pieces was not what it made of them.
        isInPieces = false;
        place = null;
        return false;
      }
      throw http.refusal(what, done, body);
    }
  }

  private static HttpRequest.BodyPublisher part(FileChannel content, long begin, long end) {
    return begin == end
        ? HttpRequest.BodyPublishers.noBody()
        : HttpRequest.BodyPublishers.fromPublisher(
            HttpRequest.BodyPublishers.ofInputStream(() -> new Part(content, begin, end)),
            end - begin);
  }

  /** The bytes of a file between two offsets. */
  private static final class Part extends InputStream {
    private final FileChannel content;
    private final long end;
    private long at;

    Part(FileChannel content, long begin, long end) {
      this.content = content;
      this.at = begin;
      this.end = end;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      int most = (int) Math.min(length, end - at);
      int count = most <= 0 ? -1 : content.read(ByteBuffer.wrap(into, offset, most), at);
      at += Math.max(0, count);
      return count;
    }
  }
}
