package io.berth.image.registry;

import io.berth.base.error.BerthException;
import io.berth.base.time.Sleeper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Bounds how long the other side may be silent, and never how long a transfer takes as a whole: the
 * bytes of a layer may need hours on a slow line.
 */
final class SilenceLimit {
  private static final Duration LOOK = Duration.ofMillis(500);

  /**
   * A server that was sent much, or is told that all was sent, may think so many times as long
   * about its answer: the kernel still sends what it has of it, and the server may read it all
   * again to check it.
   */
  private static final int THOUGHT = 10;

  private static final long MUCH = 1 << 20;

  private final Duration limit;

  SilenceLimit(Duration limit) {
    this.limit = limit;
  }

  /** How long the other side may be silent. */
  Duration duration() {
    return limit;
  }

  /** When something moved last. Each request has its own. */
  private static final class Motion {
    private volatile long last = System.nanoTime();
    private final boolean isWeighty;
    private volatile boolean sent;

    /** Of an answer that is read. */
    Motion() {
      this(false);
    }

    /** Of a request; what it says may be worth a longer thought. */
    Motion(boolean isWeighty) {
      this.isWeighty = isWeighty;
    }

    static Motion of(HttpRequest request) {
      long length =
          request.bodyPublisher().map(HttpRequest.BodyPublisher::contentLength).orElse(0L);
      Motion motion = new Motion(length > MUCH || endsUpload(request));
      // Content that is empty is not taken, and its end not told.
      motion.sent = length == 0;
      return motion;
    }

    /** By distribution-spec, "Pushing blobs": a PUT that names the digest of what was sent. */
    private static boolean endsUpload(HttpRequest request) {
      String query = request.uri().getRawQuery();
      return request.method().equals("PUT") && query != null && query.contains("digest=");
    }

    void moves() {
      last = System.nanoTime();
    }

    /** Notes that all of a request's content was taken. */
    void ends() {
      moves();
      sent = true;
    }

    /** How long the other side may be silent now. */
    Duration bound(Duration limit) {
      return sent && isWeighty ? limit.multipliedBy(THOUGHT) : limit;
    }

    boolean isSilentFor(Duration limit) {
      return System.nanoTime() - last > limit.toNanos();
    }
  }

  /**
   * Sends a request and waits for the head of the answer, as long as the request's content moves,
   * and longer once all of it was sent.
   *
   * @throws HttpTimeoutException if nothing moves for the limit
   */
  HttpResponse<InputStream> send(HttpClient client, HttpRequest request)
      throws IOException, InterruptedException {
    Motion motion = Motion.of(request);
    HttpRequest watched =
        request
            .bodyPublisher()
            .map(content ->
                HttpRequest.newBuilder(request, (_, _) -> true)
                    .method(request.method(), new Watched(content, motion))
                    .build())
            .orElse(request);
    CompletableFuture<HttpResponse<InputStream>> answer =
        client.sendAsync(watched, HttpResponse.BodyHandlers.ofInputStream());
    try {
      while (true) {
        try {
          return answer.get(LOOK.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
          Duration bound = motion.bound(limit);
          if (motion.isSilentFor(bound)) {
            HttpTimeoutException silent =
                new HttpTimeoutException("no answer for " + bound.toSeconds() + " s");
            silent.initCause(e);
            throw silent;
          }
        }
      }
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case IOException cause -> throw cause;
        case RuntimeException cause -> throw cause;
        case null, default -> throw new IOException(String.valueOf(e.getMessage()), e);
      }
    } finally {
      answer.cancel(true);
    }
  }

  /**
   * Reads an answer up to a bound.
   *
   * @throws IOException if nothing comes for the limit
   */
  byte[] read(InputStream body, int most) throws IOException {
    Motion motion = new Motion();
    Thread reader = Thread.currentThread();
    Thread watch = Thread.ofVirtual().name("silence").unstarted(() -> watch(body, motion));
    watch.start();
    try {
      ByteArrayOutputStream all = new ByteArrayOutputStream();
      byte[] part = new byte[64 << 10];
      while (all.size() < most) {
        int count = body.read(part, 0, Math.min(part.length, most - all.size()));
        if (count < 0) {
          break;
        }
        motion.moves();
        all.write(part, 0, count);
      }
      return all.toByteArray();
    } catch (IOException e) {
      if (reader.isInterrupted()) {
        throw new BerthException.Cancelled("read an answer: interrupted", e);
      }
      throw motion.isSilentFor(limit)
          ? new IOException("nothing came for " + limit.toSeconds() + " s", e)
          : e;
    } finally {
      watch.interrupt();
    }
  }

  private void watch(InputStream body, Motion motion) {
    while (Sleeper.SYSTEM.pause(LOOK)) {
      if (motion.isSilentFor(limit)) {
        try {
          body.close();
        } catch (IOException e) {
          // What is given up need not be closed well.
          return;
        }
        return;
      }
    }
  }

  /** Content of a request that tells of each piece that was taken from it. */
  private record Watched(HttpRequest.BodyPublisher content, Motion motion)
      implements HttpRequest.BodyPublisher {
    @Override
    public long contentLength() {
      return content.contentLength();
    }

    @Override
    public void subscribe(Flow.Subscriber<? super ByteBuffer> subscriber) {
      content.subscribe(
          new Flow.Subscriber<>() {
            @Override
            public void onSubscribe(Flow.Subscription subscription) {
              subscriber.onSubscribe(
                  new Flow.Subscription() {
                    @Override
                    public void request(long count) {
                      motion.moves();
                      subscription.request(count);
                    }

                    @Override
                    public void cancel() {
                      subscription.cancel();
                    }
                  });
            }

            @Override
            public void onNext(ByteBuffer part) {
              motion.moves();
              subscriber.onNext(part);
            }

            @Override
            public void onError(Throwable failure) {
              subscriber.onError(failure);
            }

            @Override
            public void onComplete() {
              motion.ends();
              subscriber.onComplete();
            }
          });
    }
  }
}
