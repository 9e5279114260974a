package io.berth.image.gc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.config.Config;
import io.berth.base.error.BerthException;
import io.berth.base.filter.Filter;
import io.berth.base.id.Digest;
import io.berth.base.id.Identifier;
import io.berth.image.Stores;
import io.berth.image.content.Ingest;
import io.berth.image.lease.Lease;
import io.berth.image.lease.WorkLease;
import io.berth.image.meta.Metadata;
import io.berth.image.name.ImageNames;
import io.berth.image.snapshot.Snapshots;
import io.berth.oci.image.Descriptor;
import io.berth.oci.image.MediaTypes;
import io.berth.testing.Eventually;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class CollectorTest {
  private static final String NS = "default";

  @TempDir Path root;
  private Stores stores;
  private Runnable beforeAnswer = () -> {};
  private List<ContainerRoots.Root> containers = new ArrayList<>();
  private Set<String> asked = Set.of();
  private Collector collector;

  @BeforeEach
  void open() throws IOException {
    stores = new Stores(root);
    collector =
        new Collector(
            stores.metadata,
            stores.leases,
            stores.content,
            stores.ingests,
            stores.snapshots,
            namespaces -> {
              asked = Set.copyOf(namespaces);
              List<ContainerRoots.Root> answer = List.copyOf(containers);
              beforeAnswer.run();
              return answer;
            });
  }

  @AfterEach
  void close() {
    stores.close();
  }

  private static Snapshots.Key key(String key) {
    return new Snapshots.Key(NS, "overlayfs", key);
  }

  private void commit(String parent, String name) {
    stores.snapshots.prepare(key("x-" + name), parent, Map.of(), null);
    stores.snapshots.commit(key("x-" + name), name, "", Map.of(), null, Metadata.Durability.LAZY);
  }

  /** The process that pulled died; another one goes on. */
  @Test // case I3
  void leasesOfWorkThatDoesNotRun_goWithAPrune() throws Exception {
    stores.leases.create(
        NS, "berth-pull-1", Map.of("berth.work", "pull", Lease.EXPIRE, "2100-01-01T00:00:00Z"));
    Digest left = stores.put(NS, "berth-pull-1", "left", Map.of());
    try (WorkLease running = WorkLease.take(stores.leases, NS, "pull")) {
      Digest coming = stores.put(NS, running.id(), "coming", Map.of());
      collector.collect();
      assertNotNull(stores.content.find(NS, left), "it may be gone on with for a while");
      stores.leases.dropAbandoned();
      collector.collect();
      assertNull(stores.content.find(NS, left));
      assertNotNull(stores.content.find(NS, coming));
    }
  }

  /** A service that was killed is back soon, and the regular collection is far away. */
  @Test
  void whatWasAskedForWhileContainersWereNotKnown_isCollectedLater() throws Exception {
    AtomicInteger refusals = new AtomicInteger(2);
    beforeAnswer =
        () -> {
          if (refusals.getAndDecrement() > 0) {
            throw new BerthException.Unavailable("list containers: nobody answers");
          }
        };
    Config config = Config.parse(null, "image.gc_interval = 100000\n");
    try (Schedule schedule = new Schedule(collector, config)) {
      schedule.start();
      Eventually.holds("it is refused", () -> refusals.get() < 2);
      Digest blob = stores.put(NS, "", "blob", Map.of());
      schedule.ask();
      Eventually.holds("it is collected", () -> stores.content.find(NS, blob) == null);
    }
  }

  @Test
  void contentThatIsCollectedMeanwhile_isNotLeased() throws Exception {
    Digest blob = stores.put(NS, "", "blob", Map.of());
    CompletableFuture<Void> begun = new CompletableFuture<>();
    CompletableFuture<Void> seen = new CompletableFuture<>();
    try (WorkLease running = WorkLease.take(stores.leases, NS, "pull")) {
      CompletableFuture<Boolean> collected =
          CompletableFuture.supplyAsync(() ->
              stores.metadata.durable(transaction -> {
                begun.complete(null);
                seen.join();
                return stores.content.remove(transaction, NS, blob);
              }));
      begun.get(20, TimeUnit.SECONDS);
      CompletableFuture<Boolean> leased = new CompletableFuture<>();
      Thread pull =
          Thread.ofPlatform()
              .start(() -> leased.complete(stores.content.lease(NS, running.id(), blob)));
      Eventually.holds("it waits to write", () -> pull.getState() != Thread.State.RUNNABLE);
      seen.complete(null);
      assertTrue(collected.get(20, TimeUnit.SECONDS));
      assertFalse(leased.get(20, TimeUnit.SECONDS), "there is nothing to keep");
    }
  }

  /** Nobody can go on with what a dead load has read, so nothing waits for it. */
  @Test
  void leaseOfWorkThatCannotBeGoneOnWith_goesWithTheFirstCollection() throws Exception {
    stores.leases.create(
        NS, "berth-load-1", Map.of("berth.work", "load", Lease.EXPIRE, "2100-01-01T00:00:00Z"));
    Digest left = stores.put(NS, "berth-load-1", "left", Map.of());
    try (WorkLease running = WorkLease.take(stores.leases, NS, "load")) {
      Digest coming = stores.put(NS, running.id(), "coming", Map.of());
      collector.collect();
      assertNull(stores.content.find(NS, left));
      assertNotNull(stores.content.find(NS, coming));
      assertEquals(1, stores.leases.list(NS, Filter.of(List.of())).size());
    }
  }

  @Test
  void collect_keepsWhatANameLeadsTo() throws Exception {
    Digest layer = stores.put(NS, "", "layer", Map.of());
    commit("", "base");
    commit("base", "top");
    commit("base", "orphan");
    Digest config =
        stores.put(NS, "", "config", Map.of("containerd.io/gc.ref.snapshot.overlayfs", "top"));
    Digest manifest =
        stores.put(
            NS,
            "",
            "manifest",
            Map.of(
                "containerd.io/gc.ref.content.config",
                config.toString(),
                "containerd.io/gc.ref.content.l.0",
                layer.toString()));
    Digest garbage = stores.put(NS, "", "garbage", Map.of());
    stores.names.create(
        NS,
        new ImageNames.Draft("img", Map.of(), Descriptor.of(MediaTypes.OCI_MANIFEST, manifest, 8)),
        null,
        null);

    assertEquals(new Collector.Result(1, 1, 0, 0, 0), collector.collect());

    assertNull(stores.content.find(NS, garbage));
    assertNotNull(stores.content.find(NS, layer));
    assertNotNull(stores.snapshots.find(key("top")));
    assertNull(stores.snapshots.find(key("orphan")));
    stores.trash.flush();
    assertFalse(Files.exists(stores.paths.blob(garbage)));
    stores.names.delete(NS, "img", null, null);
    assertEquals(new Collector.Result(3, 2, 0, 0, 0), collector.collect());
    stores.trash.flush();
    try (var left = Files.list(stores.paths.snapshots())) {
      assertEquals(List.of(), left.toList());
    }
  }

  @Test
  void collect_leavesTheNamespaceOfTheWarmUpToTheOneWhoWarms() {
    Digest warm = stores.put(Identifier.WARM_UP_NAMESPACE, "", "warm", Map.of());
    Digest garbage = stores.put(NS, "", "garbage", Map.of());

    assertEquals(1, collector.collect().total());

    assertEquals(Set.of(NS), asked);
    assertNotNull(stores.content.find(Identifier.WARM_UP_NAMESPACE, warm));
    assertNull(stores.content.find(NS, garbage));
  }

  @Test
  void collect_nothingWhenContainersAreUnknown() {
    Digest garbage = stores.put(NS, "", "garbage", Map.of());
    beforeAnswer =
        () -> {
          throw new BerthException.Unavailable("connect to `containerd.sock`");
        };
    assertThrows(BerthException.Unavailable.class, collector::collect);
    assertNotNull(stores.content.find(NS, garbage));
  }

  @Test
  void collect_sparesAContainerWhoseLeaseGoesInTheMiddle() {
    // The container is made after the collector was told of all containers, and its lease is
    // dropped before the sweep. The snapshot has to stay all the same.
    stores.leases.create(NS, "l", Map.of());
    commit("", "base");
    stores.snapshots.prepare(key("c1"), "base", Map.of(), "l");
    beforeAnswer = () -> stores.leases.delete(NS, "l");
    assertEquals(0, collector.collect().total());
    assertNotNull(stores.snapshots.find(key("c1")));

    beforeAnswer = () -> {};
    containers = List.of(new ContainerRoots.Root(NS, "c1", "overlayfs", "c1", Map.of()));
    assertEquals(0, collector.collect().total());
    containers = List.of();
    assertEquals(2, collector.collect().snapshots());
  }

  @Test
  void collect_sparesALeaseMadeAndDroppedInTheMiddle() {
    commit("", "base");
    stores.leases.create(NS, "keeps-base", Map.of());
    stores.leases.addResource(NS, "keeps-base", Lease.Resource.snapshot("overlayfs", "base"));
    beforeAnswer =
        () -> {
          stores.leases.create(NS, "late", Map.of());
          stores.snapshots.prepare(key("c2"), "base", Map.of(), "late");
          stores.leases.delete(NS, "late");
          stores.leases.delete(NS, "keeps-base");
        };
    assertEquals(0, collector.collect().total());
    assertNotNull(stores.snapshots.find(key("c2")));
  }

  @Test
  void collect_dropsExpiredLeasesWithWhatTheyHeld() {
    stores.leases.create(NS, "old", Map.of(Lease.EXPIRE, "2001-01-01T00:00:00Z"));
    stores.leases.create(NS, "flat", Map.of(Lease.FLAT, "1"));
    Digest child = stores.put(NS, "", "child", Map.of());
    Digest flat =
        stores.put(NS, "flat", "flat", Map.of("containerd.io/gc.ref.content", child.toString()));
    Digest held = stores.put(NS, "old", "held", Map.of());
    assertEquals(new Collector.Result(2, 0, 0, 1, 0), collector.collect());
    assertNull(stores.content.find(NS, held));
    assertNull(stores.content.find(NS, child));
    assertNotNull(stores.content.find(NS, flat));
  }

  @Test
  void collect_sharedContentStaysForTheOtherNamespace() throws Exception {
    Digest shared = stores.put(NS, "", "shared", Map.of());
    stores.put("other", "", "shared", Map.of("containerd.io/gc.root", "now"));
    assertEquals(1, collector.collect().content());
    stores.trash.flush();
    assertTrue(Files.exists(stores.paths.blob(shared)));
    assertNotNull(stores.content.find("other", shared));
  }

  private List<String> blobs() throws IOException {
    try (Stream<Path> files = Files.list(stores.paths.blobs("sha256"))) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private void pagesAtMost(int pages) {
    stores.metadata.lazy(
        transaction -> transaction.all("PRAGMA max_page_count=" + pages, row -> row.number(1)));
  }

  private Ingest written(String text) {
    Ingest ingest = stores.ingests.open(Ingest.Request.of(NS, null, text));
    ingest.write(MemorySegment.ofArray(text.getBytes(StandardCharsets.UTF_8)));
    return ingest;
  }

  /** The store has no room for the record of content whose file is in its place by then. */
  @Test
  void commitWithoutRoomForItsRecord_leavesNoFile() throws Exception {
    Map<String, String> large =
        IntStream.range(0, 100)
            .boxed()
            .collect(Collectors.toMap(i -> "k" + i, _ -> "v".repeat(4000)));
    try (Ingest ingest = written("a")) {
      pagesAtMost(1);
      assertThrows(
          BerthException.ResourceExhausted.class,
          () -> ingest.commit(1, null, large, Metadata.Durability.LAZY));
    }
    assertEquals(List.of(), blobs());
    pagesAtMost(10_000);
    Digest again = stores.put(NS, "", "a", large);
    assertEquals(List.of(again.hex()), blobs());
  }

  /** The caller of a commit goes away while the store is busy. */
  @Test
  void commitThatIsInterrupted_leavesNoFile() throws Exception {
    CountDownLatch held = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        Ingest ingest = written("a")) {
      Future<Boolean> holder =
          threads.submit(() ->
              stores.metadata.lazy(_ -> {
                held.countDown();
                awaitQuietly(release);
                return true;
              }));
      held.await();
      Future<Boolean> commit =
          threads.submit(() -> {
            Thread.currentThread().interrupt();
            assertThrows(
                BerthException.Cancelled.class,
                () -> ingest.commit(1, null, Map.of(), Metadata.Durability.LAZY));
            return Thread.interrupted();
          });
      Eventually.holds("the file is in its place", () -> !blobs().isEmpty());
      release.countDown();
      assertTrue(holder.get());
      assertTrue(commit.get(), "the interruption was lost");
    } finally {
      release.countDown();
    }
    assertEquals(List.of(), blobs());
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void fileThatNothingRecords_goesWithACollection() throws Exception {
    Digest kept = stores.put(NS, "", "kept", Map.of("containerd.io/gc.root", "1"));
    Files.writeString(stores.paths.blob(Digest.sha256("stray")), "stray");
    Files.writeString(stores.paths.blobs("sha256").resolve("odd"), "of somebody else");
    collector.collect();
    assertEquals(Set.of(kept.hex(), "odd"), Set.copyOf(blobs()));
  }
}
