package io.berth.image.registry;

import io.berth.base.error.BerthException;
import io.berth.base.id.Digest;
import io.berth.base.time.Sleeper;
import io.berth.image.content.ContentStore;
import io.berth.image.content.Ingest;
import io.berth.image.content.IngestStore;
import io.berth.image.library.ProgressListener;
import io.berth.image.library.ReadyLayers;
import io.berth.image.library.Unpacker;
import io.berth.image.meta.Metadata;
import io.berth.oci.image.Descriptor;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Fetches blobs into the content store, several side by side, and unpacks layers while they come.
 * One that breaks off is gone on with from where it is; one with another digest or size is thrown
 * away.
 */
final class BlobFetch {
  private static final Duration PAUSE = Duration.ofMillis(100);
  private static final long STEP = 1 << 20;

  private final ContentStore content;
  private final IngestStore ingests;
  private final Unpacker unpacker;
  private final Registry registry;
  private final Scope scope;
  private final ProgressListener progress;
  private final AtomicLong fetched = new AtomicLong();
  private final Set<BlobStream> streams = ConcurrentHashMap.newKeySet();
  private long total;
  private volatile boolean noRoom;

  /**
   * Says for whom blobs are fetched.
   *
   * @param lease keeps what comes
   * @param limits of the transfer
   */
  record Scope(String namespace, String lease, RegistryTransfer.Limits limits) {}

  BlobFetch(
      ContentStore content,
      IngestStore ingests,
      Unpacker unpacker,
      Registry registry,
      Scope scope,
      ProgressListener progress) {
    this.content = content;
    this.ingests = ingests;
    this.unpacker = unpacker;
    this.registry = registry;
    this.scope = scope;
    this.progress = progress;
  }

  /**
   * Fetches all blobs, each once. The first failure, or the caller's interruption, stops the others
   * and is thrown once they have ended; what they have fetched stays for the next time.
   *
   * @param unpack digests of those to unpack into {@code ready} on the way, if they have to be
   *     fetched
   */
  void all(
      List<Descriptor> blobs, Map<String, String> labels, Set<String> unpack, ReadyLayers ready) {
    Map<String, Descriptor> distinct = new LinkedHashMap<>();
    blobs.forEach(blob -> distinct.putIfAbsent(blob.digest(), blob));
    total = distinct.values().stream().mapToLong(Descriptor::size).sum();
    distinct
        .values()
        .forEach(
            blob -> progress.step(ProgressListener.part(blob.digest()), "waiting", 0, blob.size()));
    List<SideBySide.Task> tasks = new ArrayList<>();
    for (Descriptor blob : distinct.values()) {
      boolean unpacked = unpack.contains(blob.digest());
      tasks.add(() -> blob(blob, labels, unpacked ? ready : null));
    }
    SideBySide.run(
        "fetch layers",
        scope.limits.parallel(),
        tasks,
        () -> streams.forEach(stream -> stream.checkPatience(scope.limits.silence())));
  }

  /**
   * Fetches one blob, unless it is here. If {@code ready} is given, the layer is unpacked on the
   * way and put there.
   */
  void blob(Descriptor blob, Map<String, String> labels, @Nullable ReadyLayers ready) {
    Digest digest = blob.checked();
    String part = ProgressListener.part(blob.digest());
    if (content.lease(scope.namespace, scope.lease, digest)) {
      fetched.addAndGet(blob.size());
      progress.step(part, "exists", blob.size(), blob.size());
      return;
    }
    try (Ingest ingest = roomy(blob, digest)) {
      if (ingest.offset() > blob.size()) {
        ingest.truncate(0);
      }
      if (ingest.offset() == blob.size()) {
        keep(digest, ingest, labels);
      } else {
        fetch(blob, ingest, labels, ready);
      }
      progress.step(part, "fetched", blob.size(), blob.size());
    } catch (BerthException.AlreadyExists e) {
      progress.step(part, "exists", blob.size(), blob.size());
    }
  }

  /** Whether anything failed for want of room; then it is no use to keep what came. */
  boolean hasNoRoom() {
    return noRoom;
  }

  private Ingest roomy(Descriptor blob, Digest digest) {
    try {
      return open(blob, digest);
    } catch (BerthException.ResourceExhausted e) {
      noRoom = true;
      throw e;
    }
  }

  /**
   * Opens the ingest of a blob. While another pull fetches the same blob, this waits as long as
   * that gets on; where it does not, its registry hangs, and this fetches the blob by itself.
   */
  private Ingest open(Descriptor blob, Digest digest) {
    String ref = "layer-" + digest;
    long seen = -1;
    long since = System.nanoTime();
    while (true) {
      try {
        return ingests.open(request(blob, digest, ref));
      } catch (BerthException.Unavailable e) {
        long now = offset(ref);
        if (now != seen) {
          seen = now;
          since = System.nanoTime();
        } else if (System.nanoTime() - since > scope.limits.silence().toNanos()) {
          return ingests.open(request(blob, digest, ref + "-" + UUID.randomUUID()));
        }
        progress.step(
            ProgressListener.part(blob.digest()), "downloading", Math.max(0, now), blob.size());
        if (!Sleeper.SYSTEM.pause(PAUSE)) {
          throw new BerthException.Cancelled("fetch layer " + digest + ": interrupted", e);
        }
      }
    }
  }

  private Ingest.Request request(Descriptor blob, Digest digest, String ref) {
    return new Ingest.Request(
        scope.namespace, scope.lease, ref, blob.size(), digest, /* watched= */ false);
  }

  private long offset(String ref) {
    try {
      return ingests.status(scope.namespace, ref).offset();
    } catch (BerthException.NotFound e) {
      return -2;
    }
  }

  private void fetch(
      Descriptor blob, Ingest ingest, Map<String, String> labels, @Nullable ReadyLayers ready) {
    String part = ProgressListener.part(blob.digest());
    long[] told = {ingest.offset()};
    fetched.addAndGet(ingest.offset());
    Unpacker.@Nullable UnpackedLayer layer = null;
    try (BlobStream stream =
        new BlobStream(
            registry,
            blob,
            ingest,
            new Retry(progress, part),
            count -> {
              long all = fetched.addAndGet(count);
              if (ingest.offset() - told[0] >= STEP) {
                told[0] = ingest.offset();
                progress.step(part, "downloading", told[0], blob.size());
                progress.step("", "downloading", all, total);
              }
            })) {
      streams.add(stream);
      try {
        layer = ready == null ? null : unpack(stream);
        stream.drain();
      } catch (RuntimeException e) {
        noRoom |=
            e instanceof BerthException.ResourceExhausted
                && (stream.isFull() || !stream.isBroken());
        store(stream, blob, ingest, labels, e);
        throw e;
      } finally {
        streams.remove(stream);
      }
      keep(blob.checked(), ingest, labels);
      if (ready != null && layer != null) {
        ready.add(blob.digest(), layer);
        layer = null;
      }
    } finally {
      if (layer != null) {
        unpacker.discard(layer);
      }
    }
  }

  private Unpacker.UnpackedLayer unpack(BlobStream stream) {
    try {
      return unpacker.extract(stream);
    } catch (IOException e) {
      throw new BerthException.Internal("unpack: " + e.getMessage(), e);
    }
  }

  /**
   * Handles a blob that cannot be unpacked. If the bytes are not those that were asked for, that is
   * the failure to tell; if they are, the blob is kept.
   */
  private void store(
      BlobStream stream,
      Descriptor blob,
      Ingest ingest,
      Map<String, String> labels,
      RuntimeException why) {
    if (stream.isBroken()
        || why instanceof BerthException.Cancelled
        || why instanceof BerthException.ResourceExhausted
        || Thread.currentThread().isInterrupted()) {
      return;
    }
    stream.drain();
    keep(blob.checked(), ingest, labels);
  }

  private static void keep(Digest digest, Ingest ingest, Map<String, String> labels) {
    Digest got = ingest.digest();
    if (!got.equals(digest)) {
      ingest.abort();
      throw new BerthException.DataLoss(
          "fetch layer "
              + digest
              + ": what came has the digest "
              + got
              + "; the registry or somebody on the way changed it");
    }
    ingest.commitAs(digest, labels, Metadata.Durability.LAZY);
  }
}
