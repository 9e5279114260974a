package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Images from Debian's docker-registry, by Debian's ctr and by our own command line; from one that
 * lies, breaks off or is not there as well.
 */
@Tag("root")
final class PullIT {
  @RegisterExtension static final BerthInstance berth = new BerthInstance(BerthInstance.COLD);
  private static final int BIG = 24 << 20;
  private static final OciImage APP = OciImage.of(List.of(BusyboxImage.layer(), greeting("one")));

  @SuppressWarnings("NullAway.Init")
  private static LocalRegistry registry;

  @BeforeAll
  static void open() throws Exception {
    registry = new LocalRegistry(berth.folder("registry"));
    registry.put("team/app", "1", APP);
  }

  @AfterAll
  static void close() throws Exception {
    registry.close();
  }

  private static byte[] greeting(String text) {
    return new BusyboxImage.Tar()
        .file("greeting", 0644, (text + "\n").getBytes(StandardCharsets.UTF_8))
        .file("bin/greet", 0755, "#!/bin/sh\ncat /greeting\n".getBytes(StandardCharsets.UTF_8))
        .bytes();
  }

  private static byte[] noise(int seed, int size) {
    byte[] bytes = new byte[size];
    new Random(seed).nextBytes(bytes);
    return new BusyboxImage.Tar().file("noise-" + seed, 0644, bytes).bytes();
  }

  @AfterEach
  void removeAll() {
    for (String id : berth.berth("images", "-q", "--no-trunc").exits(0).out().lines().toList()) {
      berth.berth("rmi", "-f", id);
    }
    assertEquals("", berth.berth("images", "-q").exits(0).out());
    collect();
    // What was pulled is gone with its name, and so is what a failed pull began.
    assertEquals("", berth.berth("content", "ls", "-q").exits(0).out());
    assertEquals("", berth.berth("snapshots", "ls", "-q").exits(0).out());
  }

  private static void collect() {
    berth.ctr("--namespace", "default", "leases", "create", "--id", "settle").exits(0);
    berth.ctr("--namespace", "default", "leases", "rm", "--sync", "settle").exits(0);
  }

  private static String run(String image, String... command) {
    List<String> line = new java.util.ArrayList<>(List.of("run", "--rm", "--network", "none"));
    line.addAll(List.of("--pull", "never", image));
    line.addAll(List.of(command));
    return berth.berth(line.toArray(String[]::new)).exits(0).out();
  }

  private static Command fails(String... line) {
    Command command = berth.berth(line).exits(1);
    assertEquals(1, command.err().lines().count(), command.err());
    assertTrue(command.err().startsWith("berth: "), command.err());
    return command;
  }

  @Test // A line for each change, and no escape sequence.
  void byTagWithPlainLinesOfProgress() {
    String ref = registry.ref("team/app:1");
    Command pull = berth.berth("pull", "--plain-http", ref).exits(0);
    pull.saysNo("\u001b").says("Digest: " + APP.manifest().digest());
    for (OciImage.Blob layer : APP.layers()) {
      String part = layer.digest().substring(7, 19);
      assertTrue(
          pull.out().lines().anyMatch(line -> line.startsWith(part + ": fetched (")), pull.out());
    }
    assertEquals(ref, pull.out().lines().toList().getLast());
    assertEquals("one\n", run(ref, "greet"));
    // Again: everything is there.
    berth.berth("pull", "--plain-http", ref).exits(0).says(": exists").saysNo(": fetched");
    berth.berth("image", "verify", ref).exits(0);
  }

  @Test
  void byDigest() {
    String ref = registry.ref("team/app@" + APP.manifest().digest());
    berth.berth("pull", "-q", "--plain-http", ref).exits(0);
    assertEquals("one\n", run(ref, "greet"));
    Command missing =
        fails("pull", "--plain-http", registry.ref("team/app@sha256:" + "0".repeat(64)));
    missing.says("team/app").says("404");
  }

  @Test
  void progressForPrograms() {
    Command pull =
        berth.berth("pull", "--plain-http", "--format", "json", registry.ref("team/app:1"));
    for (String line : pull.exits(0).out().lines().toList()) {
      assertTrue(line.startsWith("{") && line.endsWith("}"), line);
    }
    pull.says("\"status\":\"fetched\"").says(APP.config().digest());
  }

  @Test
  void aRunOfAnUnknownImagePullsIt() {
    Command run =
        berth
            .berth("run", "--rm", "--network", "none", registry.ref("team/app:1"), "greet")
            .exits(0);
    assertEquals("one\n", run.out());
    assertTrue(run.err().startsWith("Unable to find image"), run.err());
  }

  @Test
  void theImageOfAPlatform() throws Exception {
    String here = BusyboxImage.architecture();
    String there = here.equals("amd64") ? "arm64" : "amd64";
    OciImage own = OciImage.of(here, List.of(BusyboxImage.layer(), greeting("own")));
    OciImage other = OciImage.of(there, List.of(BusyboxImage.layer(), greeting("other")));
    for (OciImage image : List.of(own, other)) {
      registry.put("team/many", image.manifest().digest(), image);
    }
    OciImage.Blob index = OciImage.index(List.of(there, here), List.of(other, own));
    registry.putDocument("team/many", "1", index);
    String ref = registry.ref("team/many:1");
    berth.berth("pull", "--plain-http", ref).exits(0).says("Digest: " + index.digest());
    assertEquals("own\n", run(ref, "greet"));
    assertEquals(
        own.config().digest() + "\n", berth.berth("inspect", "-f", "{{.Id}}", ref).exits(0).out());
    berth.berth("content", "ls", "-q").exits(0).saysNo(other.config().digest());

    berth.berth("pull", "--plain-http", "--platform", "linux/" + there, ref).exits(0);
    berth.berth("content", "ls", "-q").exits(0).says(other.config().digest());
    fails("pull", "--plain-http", "--platform", "linux/s390x", ref)
        .says("linux/s390x")
        .says("linux/" + there);
  }

  @Test
  void anotherPlatformsImageIsWarnedOf() throws Exception {
    String here = BusyboxImage.architecture();
    String there = here.equals("amd64") ? "arm64" : "amd64";
    OciImage strange = OciImage.of(there, List.of(BusyboxImage.layer(), greeting("strange")));
    registry.put("team/strange", "1", strange);
    String ref = registry.ref("team/strange:1");
    String warning =
        "WARNING: The requested image's platform (linux/"
            + there
            + ") does not match the detected host platform (linux/"
            + here
            + ") and no specific platform was requested";
    berth.berth("pull", "-q", ref).exits(0);
    // Its programs are this machine's: only its label is strange.
    Command run = berth.berth("run", "--rm", "--network", "none", ref, "greet").exits(0);
    assertEquals("strange\n", run.out());
    assertTrue(run.err().lines().anyMatch(warning::equals), run.err());
    berth
        .berth("run", "--rm", "--network", "none", "--platform", "linux/" + there, ref, "greet")
        .exits(0)
        .saysNo("WARNING");
    // Who asks for this machine's does not get the other one.
    berth
        .berth("run", "--rm", "--network", "none", "--platform", "linux/" + here, ref, "greet")
        .exits(125)
        .says("no image for platform linux/" + here)
        .says("there is linux/" + there);
    fails("pull", "--platform", "linux/" + here, ref).says("no image for platform");
    berth.berth("info").exits(0).says("architecture: " + here).says("os: linux");
    berth.berth("info", "-f", "{{.architecture}}").exits(0).says(here);
  }

  @Test
  void ofAnIndexTheOnlyImageThatIsHere() throws Exception {
    String here = BusyboxImage.architecture();
    String there = here.equals("amd64") ? "arm64" : "amd64";
    OciImage own = OciImage.of(here, List.of(BusyboxImage.layer(), greeting("own")));
    OciImage other = OciImage.of(there, List.of(BusyboxImage.layer(), greeting("other")));
    for (OciImage image : List.of(own, other)) {
      registry.put("team/both", image.manifest().digest(), image);
    }
    registry.putDocument(
        "team/both", "1", OciImage.index(List.of(there, here), List.of(other, own)));
    String ref = registry.ref("team/both:1");
    berth.berth("pull", "-q", "--platform", "linux/" + there, ref).exits(0);
    assertEquals(
        other.config().digest() + "\n", berth.berth("images", "-q", "--no-trunc").exits(0).out());
    assertEquals("other\n", run(ref, "greet"));
    Command chosen =
        berth.berth(
            "run", "--rm", "--network", "none", "--platform", "linux/" + here, ref, "greet");
    assertEquals("own\n", chosen.exits(0).out());
    // Now that this machine's is here, it is the one that is meant.
    assertEquals("own\n", run(ref, "greet"));
  }

  @Test
  void debiansCtrPullsAndRuns() {
    String ref = registry.ref("team/app:1");
    berth.ctr("images", "pull", "--plain-http", ref).exits(0).says("done");
    berth.ctr("images", "check").exits(0).says(ref).says("complete");
    assertEquals("one\n", berth.ctr("run", "--rm", ref, "pulled", "greet").exits(0).out());
    berth.ctr("images", "rm", "--sync", ref).exits(0);
    assertEquals("", berth.ctr("content", "ls", "-q").exits(0).out());
  }

  @Test
  void whatWePushOthersPull() {
    String first = registry.ref("team/app:1");
    String second = registry.ref("team/copy:2");
    berth.berth("pull", "-q", "--plain-http", first).exits(0);
    berth.berth("tag", first, second).exits(0);
    berth.berth("push", "--plain-http", second).exits(0);
    berth.ctr("images", "pull", "--plain-http", second).exits(0);
    berth.ctr("images", "ls", "name==" + second).exits(0).says(APP.manifest().digest());
    berth.ctr("images", "rm", "--sync", second).exits(0);
  }

  @Test
  void aTruncatedLayer() throws Exception {
    OciImage image = OciImage.of(List.of(BusyboxImage.layer(), noise(1, 300_000)));
    registry.put("team/short", "1", image);
    OciImage.Blob layer = image.layers().getLast();
    Path stored = registry.stored(layer.digest());
    byte[] whole = Files.readAllBytes(stored);
    Files.write(stored, Arrays.copyOf(whole, whole.length / 2));
    String ref = registry.ref("team/short:1");
    fails("pull", "--plain-http", ref)
        .says("layer " + layer.digest())
        .says("ends after " + whole.length / 2 + " bytes");
    nothingOf(ref, layer);

    Files.write(stored, whole);
    berth.berth("pull", "--plain-http", ref).exits(0);
    berth.berth("image", "verify", ref).exits(0);
    assertEquals("ok\n", run(ref, "echo", "ok"));
  }

  @Test
  void aLayerWithOtherBytes() throws Exception {
    OciImage image = OciImage.of(List.of(BusyboxImage.layer(), noise(2, 300_000)));
    registry.put("team/forged", "1", image);
    OciImage.Blob layer = image.layers().getLast();
    Path stored = registry.stored(layer.digest());
    byte[] whole = Files.readAllBytes(stored);
    byte[] forged = whole.clone();
    forged[forged.length / 2] ^= 1;
    Files.write(stored, forged);
    String ref = registry.ref("team/forged:1");
    fails("pull", "--plain-http", ref)
        .says("layer " + layer.digest())
        .says("sha256:" + BusyboxImage.sha256(forged));
    nothingOf(ref, layer);
    Command ctr = berth.ctr("images", "pull", "--plain-http", ref);
    assertTrue(ctr.exit() != 0, ctr.out());
    berth.ctr("content", "ls", "-q").saysNo(layer.digest());
    berth.ctr("images", "rm", "--sync", ref);

    Files.write(stored, whole);
    berth.berth("pull", "--plain-http", ref).exits(0);
    berth.berth("image", "verify", ref).exits(0);
  }

  private static void nothingOf(String ref, OciImage.Blob layer) {
    assertEquals("", berth.berth("images", "-q").exits(0).out());
    berth.berth("inspect", ref).exits(1);
    assertFalse(
        Files.exists(
            berth.dir().resolve("lib/content/blobs").resolve(layer.digest().replace(':', '/'))));
    berth.berth("content", "ls", "-q").exits(0).saysNo(layer.digest());
    assertEquals("", berth.berth("snapshots", "ls", "-q").exits(0).out());
  }

  @Test
  void aRegistryThatDiesInTheMiddleIsGoneOnWith() throws Exception {
    OciImage image = OciImage.of(List.of(BusyboxImage.layer(), noise(3, BIG)));
    registry.put("team/big", "1", image);
    OciImage.Blob layer = image.layers().getLast();
    try (CountingProxy proxy = new CountingProxy(registry.port())) {
      String ref = proxy.ref("team/big:1");
      proxy.at(BIG / 2, registry::kill);
      try {
        fails("pull", "--plain-http", ref).says("team/big").says("127.0.0.1:" + proxy.port());
      } finally {
        registry.start();
      }
      long first = proxy.served();
      assertTrue(first >= BIG / 2, () -> first + " bytes");
      nothingOf(ref, layer);

      berth.berth("pull", "--plain-http", ref).exits(0);
      long second = proxy.served();
      int whole = layer.bytes().length;
      // What had come is not fetched again: both together are the image, up to one buffer that was
      // on its way and the documents.
      assertTrue(first + second < whole * 1.2, () -> first + " and " + second + " of " + whole);
      berth.berth("image", "verify", ref).exits(0);
      assertEquals(
          "%s  /noise-3\n".formatted(BusyboxImage.sha256(noiseFile(3))),
          run(ref, "busybox", "sha256sum", "/noise-3"));
    }
  }

  private static byte[] noiseFile(int seed) {
    byte[] bytes = new byte[BIG];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  @Test
  void aRegistryThatIsNotThere() {
    String ref = "127.0.0.1:" + LocalRegistry.freePort() + "/team/app:1";
    fails("pull", "--plain-http", ref).says(ref.substring(0, ref.indexOf('/'))).says("refused");
    Command run = berth.berth("run", "--rm", "--network", "none", ref, "true").exits(125);
    assertEquals(
        1, run.err().lines().filter(line -> line.startsWith("berth: ")).count(), run.err());
    assertEquals("", berth.berth("ps", "-aq").exits(0).out());
  }
}
