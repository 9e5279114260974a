package io.berth.image.registry;

import io.berth.base.error.BerthException;
import io.berth.base.id.Digest;
import io.berth.image.content.ContentStore;
import io.berth.image.content.Ingest;
import io.berth.image.library.Progress;
import io.berth.image.meta.Metadata;
import io.berth.image.unpack.LayerThreads;
import io.berth.oci.image.Descriptor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Fetches blobs into the content store, several side by side. One that breaks off is gone on with
 * from where it is; one with another digest or size is thrown away.
 */
final class BlobFetch {
  private static final int BUFFER = 128 << 10;
  private static final long STEP = 1 << 20;

  private final ContentStore content;
  private final Registry registry;
  private final String namespace;
  private final String lease;
  private final Progress progress;
  private final AtomicLong fetched = new AtomicLong();
  private long total;

  BlobFetch(
      ContentStore content, Registry registry, String namespace, String lease, Progress progress) {
    this.content = content;
    this.registry = registry;
    this.namespace = namespace;
    this.lease = lease;
    this.progress = progress;
  }

  /** Fetches all, each once; the first failure ends it, once the others have ended. */
  void all(List<Descriptor> blobs, int parallel, Map<String, String> labels) {
    Map<String, Descriptor> distinct = new LinkedHashMap<>();
    blobs.forEach(blob -> distinct.putIfAbsent(blob.digest(), blob));
    total = distinct.values().stream().mapToLong(Descriptor::size).sum();
    distinct
        .values()
        .forEach(blob -> progress.step(Progress.part(blob.digest()), "waiting", 0, blob.size()));
    LayerThreads threads = new LayerThreads(Math.max(1, parallel));
    List<CompletableFuture<Boolean>> running = new ArrayList<>();
    for (Descriptor blob : distinct.values()) {
      CompletableFuture<Boolean> done = new CompletableFuture<>();
      running.add(done);
      Thread.ofVirtual().name("fetch").start(() -> complete(done, threads, blob, labels));
    }
    try {
      CompletableFuture.allOf(running.toArray(CompletableFuture[]::new)).join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException known
          ? known
          : new BerthException.Internal("fetch layers: " + e.getCause(), e);
    }
  }

  private void complete(
      CompletableFuture<Boolean> done,
      LayerThreads threads,
      Descriptor blob,
      Map<String, String> labels) {
    try {
      done.complete(
          threads.run(
              "fetch",
              () -> {
                blob(blob, labels);
                return true;
              }));
    } catch (RuntimeException | Error e) {
      done.completeExceptionally(e);
    }
  }

  /** Fetches one, unless it is here. */
  void blob(Descriptor blob, Map<String, String> labels) {
    Digest digest = blob.checked();
    String part = Progress.part(blob.digest());
    if (content.lease(namespace, lease, digest)) {
      fetched.addAndGet(blob.size());
      progress.step(part, "exists", blob.size(), blob.size());
      return;
    }
    try {
      boolean complete = Retry.run(progress, part, () -> attempt(blob, digest, labels));
      progress.step(part, complete ? "fetched" : "exists", blob.size(), blob.size());
    } catch (BerthException.AlreadyExists e) {
      progress.step(part, "exists", blob.size(), blob.size());
    }
  }

  private boolean attempt(Descriptor blob, Digest digest, Map<String, String> labels)
      throws IOException {
    Ingest.Request request =
        new Ingest.Request(
            namespace, lease, "layer-" + digest, blob.size(), digest, /* watched= */ false);
    try (Ingest ingest = content.ingest(request)) {
      if (ingest.offset() > blob.size()) {
        ingest.truncate(0);
      }
      if (ingest.offset() < blob.size()) {
        copy(blob, digest, ingest);
      }
      if (ingest.offset() < blob.size()) {
        throw new IOException(
            "fetch layer "
                + digest
                + ": the connection broke off after "
                + ingest.offset()
                + " of "
                + blob.size()
                + " bytes");
      }
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
      return true;
    }
  }

  private void copy(Descriptor blob, Digest digest, Ingest ingest) throws IOException {
    String part = Progress.part(blob.digest());
    byte[] buffer = new byte[BUFFER];
    try (Registry.Blob body = registry.blob(digest, ingest.offset())) {
      if (body.offset() != ingest.offset()) {
        ingest.truncate(0);
      }
      long told = ingest.offset();
      for (int count = body.body().read(buffer); count >= 0; count = body.body().read(buffer)) {
        if (ingest.offset() + count > blob.size()) {
          ingest.abort();
          throw new BerthException.DataLoss(
              "fetch layer "
                  + digest
                  + ": more came than the "
                  + blob.size()
                  + " bytes that the manifest names");
        }
        ingest.write(MemorySegment.ofArray(buffer).asSlice(0, count));
        long all = fetched.addAndGet(count);
        if (ingest.offset() - told >= STEP) {
          told = ingest.offset();
          progress.step(part, "downloading", told, blob.size());
          progress.step("", "downloading", all, total);
        }
      }
    }
  }
}
