package io.berth.e2e;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/** Who uses an instance before the power goes: one thing after the other, by chance. */
final class PowerClient {
  /** A file with a text in images, containers and volumes. */
  static final String MARK = "mark";

  private static final int IMAGES = 5;

  /** The most that a volume has. */
  private static final int FILES = 3;

  private final BerthInstance berth;
  private final LongSupplier position;
  private final PowerLedger ledger;
  private final Random random;
  private final String name;
  private final Path folder;
  private final List<Path> archives = new ArrayList<>();
  private final List<String> pulled = new ArrayList<>();

  private final List<String> volumes = new ArrayList<>();

  /** What each has as its state, and each that has ended in its file. */
  private final Map<String, String> containers = new LinkedHashMap<>();

  private final Map<String, String> exited = new LinkedHashMap<>();
  private final List<String> images = new ArrayList<>();
  private final List<String> networks = new ArrayList<>();
  private final List<String> leases = new ArrayList<>();
  private int made;

  /**
   * Makes the images that it will load and pull.
   *
   * @param position of the recording of the disk
   * @param name begins the names of all that it makes
   */
  PowerClient(
      BerthInstance berth,
      LongSupplier position,
      PowerLedger ledger,
      LocalRegistry registry,
      Random random,
      String name)
      throws Exception {
    this.berth = berth;
    this.position = position;
    this.ledger = ledger;
    this.random = random;
    this.name = name;
    this.folder = berth.folder("power-" + name);
    for (int i = 0; i < IMAGES; i++) {
      archives.add(
          BusyboxImage.archive(
              folder, loaded(i), List.of(BusyboxImage.layer(), marked(loaded(i))), List.of()));
      registry.put(
          "power/" + name,
          Integer.toString(i),
          OciImage.of(List.of(BusyboxImage.layer(), marked("pulled " + name + i))));
      pulled.add(registry.ref("power/" + name + ":" + i));
      ledger.imageMark(loaded(i), loaded(i));
      ledger.imageMark(pulled.getLast(), "pulled " + name + i);
    }
  }

  private String loaded(int i) {
    return "docker.io/library/loaded-" + name + ":" + i;
  }

  /** A layer with a file that tells whose it is, and others of several sizes. */
  private byte[] marked(String text) {
    BusyboxImage.Tar tar = new BusyboxImage.Tar();
    tar.file(MARK, 0644, bytes(text));
    ledger.text(text);
    for (int size : new int[] {10, 5_000, 300_000}) {
      byte[] more = new byte[size];
      random.nextBytes(more);
      tar.file("more-" + size, 0644, more);
      ledger.bytes(more);
    }
    return tar.bytes();
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** One of the images that it pulls. */
  String pulled() {
    return pulled.getFirst();
  }

  void work(BooleanSupplier goesOn) {
    try {
      while (goesOn.getAsBoolean()) {
        step();
      }
    } catch (Exception | AssertionError e) {
      ledger.failed(name + ": " + e);
    }
  }

  private void step() throws Exception {
    made++;
    switch (random.nextInt(16)) {
      case 0 -> makeVolume();
      case 1 -> writeVolume();
      case 2 -> removeVolume();
      case 3 -> create(KillImages.BASE);
      case 4, 5 -> run();
      case 6 -> removeContainer();
      case 7 -> tag();
      case 8 -> removeImage();
      case 9 -> commit();
      case 10 -> load();
      case 11 -> pull();
      case 12 -> network();
      case 13 -> lease();
      case 14 -> ingest();
      default -> rename();
    }
  }

  // --- accounts

  private static PowerLedger.Thing thing(String kind, String thing) {
    return new PowerLedger.Thing(kind, thing);
  }

  /** Makes a call that changes the things to these states, if it ends with the code. */
  private boolean change(
      Map<PowerLedger.Thing, String> states, boolean durable, int code, Supplier<Command> call) {
    long begun = position.getAsLong();
    Command command = call.get();
    boolean done = command.exit() == code;
    long told = done ? position.getAsLong() : Long.MAX_VALUE;
    if (!done) {
      ledger.failed(KillLedger.described(command));
    }
    states.forEach((thing, state) -> ledger.change(thing, begun, state, told, durable));
    return done;
  }

  private boolean change(Map<PowerLedger.Thing, String> states, String line) {
    return change(states, /* durable= */ true, 0, () -> berth.words(line));
  }

  private boolean change(String kind, String thing, String state, String line) {
    return change(Map.of(thing(kind, thing), state), line);
  }

  private String fresh() {
    return name + "-" + made;
  }

  private <T> T any(Collection<T> from) {
    return new ArrayList<>(from).get(random.nextInt(from.size()));
  }

  private String taken(List<String> from) {
    return from.remove(random.nextInt(from.size()));
  }

  // --- volumes, containers

  private void makeVolume() {
    if (change("volume", fresh(), "there", "volume create " + fresh())) {
      volumes.add(fresh());
    }
  }

  private void writeVolume() {
    if (volumes.isEmpty()) {
      return;
    }
    String volume = any(volumes);
    String text = "volume " + fresh();
    String file = MARK + "-" + random.nextInt(FILES);
    String program = "echo -n '%s' | dd of=/d/%s conv=fsync 2>/dev/null".formatted(text, file);
    change(
        Map.of(thing("volume file", volume + "/" + file), text),
        /* durable= */ true,
        0,
        () ->
            berth.berth(
                "run",
                "--rm",
                "--network",
                "none",
                "-v",
                volume + ":/d",
                KillImages.BASE,
                "sh",
                "-c",
                program));
  }

  private void removeVolume() {
    if (volumes.isEmpty()) {
      return;
    }
    String volume = taken(volumes);
    Map<PowerLedger.Thing, String> gone = new HashMap<>();
    gone.put(thing("volume", volume), PowerLedger.ABSENT);
    for (int i = 0; i < FILES; i++) {
      gone.put(thing("volume file", volume + "/" + MARK + "-" + i), PowerLedger.ABSENT);
    }
    change(gone, "volume rm " + volume);
  }

  private void create(String image) {
    String line = "create --network none --name " + fresh() + " " + image + " cat /proc/version";
    if (change("container", fresh(), "created", line)) {
      containers.put(fresh(), "created");
    }
  }

  private void run() {
    String container = fresh();
    String text = "container " + container;
    ledger.text(text);
    int code = random.nextInt(100);
    String network = random.nextBoolean() ? "none" : "bridge";
    String program =
        "echo -n '%s' | dd of=/%s conv=fsync 2>/dev/null; exit %d".formatted(text, MARK, code);
    List<String> line = List.of("run", "--name", container, "--network", network, KillImages.BASE);
    List<String> whole = new ArrayList<>(line);
    whole.addAll(List.of("sh", "-c", program));
    String state = "exited " + code;
    boolean done =
        change(
            Map.of(thing("container", container), state, thing("container file", container), text),
            /* durable= */ true,
            code,
            () -> berth.berth(whole.toArray(String[]::new)));
    if (done) {
      containers.put(container, state);
      exited.put(container, text);
    }
  }

  private void removeContainer() {
    if (containers.isEmpty()) {
      return;
    }
    String container = any(containers.keySet());
    containers.remove(container);
    exited.remove(container);
    change(
        Map.of(
            thing("container", container),
            PowerLedger.ABSENT,
            thing("container file", container),
            PowerLedger.ABSENT),
        "rm " + container);
  }

  private void rename() {
    if (containers.isEmpty()) {
      return;
    }
    String container = any(containers.keySet());
    String state = containers.remove(container);
    Map<PowerLedger.Thing, String> states = new HashMap<>();
    states.put(thing("container", container), PowerLedger.ABSENT);
    states.put(thing("container", fresh()), state);
    states.put(thing("container file", container), PowerLedger.ABSENT);
    String text = exited.remove(container);
    if (text != null) {
      states.put(thing("container file", fresh()), text);
      exited.put(fresh(), text);
    }
    change(states, "rename " + container + " " + fresh());
    containers.put(fresh(), state);
  }

  // --- images

  private void image(String image, String mark, String line) {
    ledger.imageMark(image, mark);
    if (change("image", image, "there", line) && !images.contains(image)) {
      images.add(image);
    }
  }

  private void tag() {
    String image = "docker.io/library/tag-" + fresh() + ":1";
    image(image, "", "tag " + KillImages.BASE + " " + image);
  }

  private void removeImage() {
    if (images.isEmpty()) {
      return;
    }
    String image = taken(images);
    change("image", image, PowerLedger.ABSENT, "rmi -f " + image);
  }

  private void commit() {
    if (exited.isEmpty()) {
      return;
    }
    String container = any(exited.keySet());
    String image = "docker.io/library/commit-" + fresh() + ":1";
    image(image, exited.get(container), "commit " + container + " " + image);
  }

  private void load() {
    int i = random.nextInt(IMAGES);
    image(loaded(i), loaded(i), "load -i " + archives.get(i));
  }

  /** Who pulls is told before the disk has all; a container of the image has all it needs. */
  private void pull() {
    String image = any(pulled);
    boolean done =
        change(
            Map.of(thing("image", image), "there"),
            /* durable= */ false,
            0,
            () -> berth.words("pull " + image));
    if (done) {
      if (!images.contains(image)) {
        images.add(image);
      }
      if (random.nextBoolean()) {
        create(image);
      }
    }
  }

  // --- the rest

  private void network() {
    if (networks.isEmpty() || random.nextBoolean()) {
      if (change("network", fresh(), "there", "network create " + fresh())) {
        networks.add(fresh());
      }
    } else {
      String network = taken(networks);
      change("network", network, PowerLedger.ABSENT, "network rm " + network);
    }
  }

  private void lease() {
    boolean makes = leases.isEmpty() || random.nextBoolean();
    String lease = makes ? fresh() : taken(leases);
    boolean done =
        change(
            Map.of(thing("lease", lease), makes ? "there" : PowerLedger.ABSENT),
            /* durable= */ true,
            0,
            () ->
                makes
                    ? berth.ctr("leases", "create", "--id", lease)
                    : berth.ctr("leases", "rm", lease));
    if (done && makes) {
      leases.add(lease);
    }
  }

  private void ingest() throws Exception {
    byte[] content = new byte[1 + random.nextInt(200_000)];
    random.nextBytes(content);
    String digest = "sha256:" + BusyboxImage.sha256(content);
    Path file = Files.write(folder.resolve("content"), content);
    String ingest = "ctr \"$@\" content ingest --expected-digest " + digest + " " + fresh();
    String label = "ctr \"$@\" content label " + digest + " containerd.io/gc.root=now";
    List<String> whole = new ArrayList<>(List.of("sh", "-c"));
    whole.add(ingest + " <" + file + " && " + label);
    whole.addAll(berth.ctrLine());
    change(
        Map.of(thing("content", digest), "there"),
        /* durable= */ true,
        0,
        () -> Command.run(whole.toArray(String[]::new)));
  }
}
