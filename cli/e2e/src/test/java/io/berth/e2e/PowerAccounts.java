package io.berth.e2e;

import io.berth.base.layout.RootFolders;
import io.berth.testing.Eventually;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/** What is true of an instance whose root lies on the disk that a power cut has left. */
final class PowerAccounts {
  private static final List<String> NAMESPACES = List.of("default");

  /** The files that the engine puts below a container's own, to mount on. */
  private static final Set<String> EMPTY =
      Set.of("hosts", "hostname", "resolv.conf", "console", ".dockerenv");

  private final BerthInstance berth;
  private final PowerLedger ledger;
  private final RootFolders folders;
  private final List<String> faults = new ArrayList<>();

  PowerAccounts(BerthInstance berth, PowerLedger ledger) {
    this.berth = berth;
    this.ledger = ledger;
    this.folders = new RootFolders(berth.root());
  }

  /**
   * Starts the services on the disk and counts all.
   *
   * @param position of the cut in the recording
   * @param pull an image to fetch afterwards; empty for none
   */
  List<String> check(long position, String pull) throws Exception {
    attempt("databases", this::databases);
    attempt("start", berth::startMissing);
    if (faults.isEmpty()) {
      attempt("promises", () -> promises(position));
      attempt("content", this::content);
      attempt("snapshots", this::snapshots);
      attempt("use", () -> use(pull));
      attempt("leftovers", this::leftovers);
    }
    return faults;
  }

  /** A part of the accounts. */
  private interface Part {
    void check() throws Exception;
  }

  private void attempt(String what, Part part) throws Exception {
    try {
      part.check();
    } catch (AssertionError | SQLException | IOException e) {
      faults.add(what + ": " + e.getMessage());
    }
  }

  // --- databases

  /** On copies: the services shall find what the cut has left. */
  private void databases() throws IOException, SQLException {
    Path copies = berth.folder("databases");
    for (Path database :
        List.of(folders.imageDatabase(), folders.networkDatabase(), folders.containerdDatabase())) {
      Path copy = copies.resolve(database.getFileName());
      for (String end : List.of("", "-wal")) {
        Path file = Path.of(database + end);
        Files.deleteIfExists(Path.of(copy + end));
        if (Files.exists(file)) {
          Files.copy(file, Path.of(copy + end), StandardCopyOption.REPLACE_EXISTING);
        }
      }
      for (String row : rows(copy, "PRAGMA integrity_check")) {
        if (!row.equals("ok")) {
          faults.add(database + ": " + row);
        }
      }
      Files.deleteIfExists(Path.of(copy + "-shm"));
    }
  }

  private static List<String> rows(Path database, String sql) throws SQLException {
    List<String> rows = new ArrayList<>();
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database);
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      while (result.next()) {
        rows.add(result.getString(1));
      }
    }
    return rows;
  }

  // --- what clients were told

  private void promises(long position) throws IOException {
    Map<PowerLedger.Thing, String> found = found();
    for (PowerLedger.Thing thing : ledger.things()) {
      Set<String> allowed = ledger.allowed(thing, position);
      String state = found.getOrDefault(thing, PowerLedger.ABSENT);
      if (!allowed.contains(state) && !allowed.contains(PowerLedger.ANY)) {
        faults.add(thing.kind() + " " + thing.name() + " is " + state + ", not " + allowed);
      }
    }
  }

  private Map<PowerLedger.Thing, String> found() throws IOException {
    Map<PowerLedger.Thing, String> found = new HashMap<>();
    list(found, "volume", berth.words("volume ls --format {{.Name}}"));
    list(found, "network", berth.words("network ls --format {{.Name}}"));
    list(found, "image", berth.ctr("--namespace", "default", "images", "ls", "-q"));
    list(found, "content", berth.ctr("--namespace", "default", "content", "ls", "-q"));
    list(found, "content", berth.ctr("content", "ls", "-q"));
    list(found, "lease", berth.ctr("leases", "ls", "-q"));
    List<String> line = new ArrayList<>(List.of("inspect", "--format"));
    line.add("{{.Name}} {{.State.Status}} {{.State.ExitCode}}");
    line.addAll(berth.words("ps -aq").exits(0).out().lines().toList());
    if (line.size() > 3) {
      for (String row : berth.berth(line.toArray(String[]::new)).exits(0).out().lines().toList()) {
        String[] words = row.split(" ");
        String name = words[0].replaceFirst("^/", "");
        String state = words[1].equals("exited") ? "exited " + words[2] : words[1];
        found.put(new PowerLedger.Thing("container", name), state);
      }
    }
    for (PowerLedger.Thing thing : ledger.things()) {
      switch (thing.kind()) {
        case "volume file" -> {
          String[] words = thing.name().split("/");
          Path file = folders.volumes().resolve(words[0]).resolve("_data").resolve(words[1]);
          if (Files.exists(file)) {
            found.put(thing, Files.readString(file));
          }
        }
        case "container file" -> {
          PowerLedger.Thing container = new PowerLedger.Thing("container", thing.name());
          if (found.containsKey(container)) {
            Command copy =
                Command.run(
                    "bash",
                    "-c",
                    "set -o pipefail; \"$@\" | tar -xO",
                    "copy",
                    berth.line("cp", thing.name() + ":/" + PowerClient.MARK, "-").get(0),
                    "--config",
                    berth.config().toString(),
                    "cp",
                    thing.name() + ":/" + PowerClient.MARK,
                    "-");
            if (copy.exit() == 0) {
              found.put(thing, copy.out());
            }
          }
        }
        default -> {}
      }
    }
    return found;
  }

  private static void list(Map<PowerLedger.Thing, String> found, String kind, Command answer) {
    answer
        .exits(0)
        .out()
        .lines()
        .forEach(name -> found.put(new PowerLedger.Thing(kind, name.strip()), "there"));
  }

  // --- content and snapshots

  private void content() throws IOException, SQLException {
    for (String digest : rows(folders.imageDatabase(), "SELECT DISTINCT digest FROM content")) {
      Path file = folders.content().resolve("blobs").resolve(digest.replace(':', '/'));
      if (!("sha256:" + BusyboxImage.sha256(Files.readAllBytes(file))).equals(digest)) {
        faults.add("content " + digest + " has other bytes, " + Files.size(file));
      }
    }
  }

  private void snapshots() throws IOException, SQLException {
    for (String row :
        rows(
            folders.imageDatabase(),
            "SELECT c.key || ' of ' || c.parent FROM snapshot c WHERE c.parent <> '' AND NOT EXISTS"
                + " (SELECT 1 FROM snapshot p WHERE p.namespace = c.namespace"
                + " AND p.snapshotter = c.snapshotter AND p.key = c.parent)")) {
      faults.add("a snapshot without its parent: " + row);
    }
    for (String id : rows(folders.imageDatabase(), "SELECT id FROM snapshot WHERE kind = 2")) {
      Path files = folders.snapshots().resolve(id).resolve("fs");
      try (Stream<Path> tree = Files.walk(files)) {
        for (Path file :
            tree.filter(path -> Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)).toList()) {
          byte[] bytes = Files.readAllBytes(file);
          boolean empty = bytes.length == 0 && EMPTY.contains(file.getFileName().toString());
          if (!empty && !ledger.mayBe(BusyboxImage.sha256(bytes))) {
            faults.add("layer file " + file + " has " + bytes.length + " bytes of no layer");
          }
        }
      } catch (UncheckedIOException e) {
        throw e.getCause();
      }
    }
  }

  // --- life goes on

  private void use(String pull) {
    for (String image : names("--namespace", "default", "images", "ls", "-q")) {
      runs(image);
    }
    for (String name :
        berth.words("ps -aq --filter status=created").exits(0).out().lines().toList()) {
      ok(berth.words("start -a " + name), "Linux");
    }
    ok(berth.words("run --rm -v after:/d " + KillImages.BASE + " echo bridged"), "bridged");
    ok(berth.words("volume rm after"), "after");
    if (!pull.isEmpty()) {
      ok(berth.words("pull " + pull), "");
      runs(pull);
    }
  }

  /** The image has all of its layers, of which the last has a mark. */
  private void runs(String image) {
    String mark = ledger.imageMarks().getOrDefault(image, "");
    String program =
        mark.isEmpty()
            ? "ls /bin/ash /bin/sh | grep -c sh"
            : "cat /" + PowerClient.MARK + " && wc -c </bin/busybox";
    ok(
        berth.berth("run", "--rm", "--network", "none", image, "sh", "-c", program),
        mark.isEmpty() ? "1" : mark);
  }

  private void ok(Command command, String says) {
    if (command.exit() != 0 || !command.out().contains(says)) {
      faults.add(KillLedger.described(command));
    }
  }

  private List<String> names(String... line) {
    return berth.ctr(line).exits(0).out().lines().map(String::strip).toList();
  }

  // --- what half-done things have left

  private void leftovers() throws Exception {
    KillAccounts.collect(berth);
    Eventually.answers("nothing is left of what was not done", this::unrecorded, Set::isEmpty);
  }

  private Set<String> unrecorded() throws IOException, SQLException {
    Set<String> left = new TreeSet<>();
    Path database = folders.imageDatabase();
    among(left, folders.trash(), Set.of());
    among(left, folders.unpacking(), Set.of());
    among(left, folders.snapshots(), rows(database, "SELECT id FROM snapshot"));
    among(left, folders.volumes(), rows(database, "SELECT name FROM volume"));
    among(
        left,
        folders.content().resolve("blobs/sha256"),
        rows(database, "SELECT replace(digest, 'sha256:', '') FROM content"));
    among(left, folders.content().resolve("ingest"), rows(database, "SELECT id FROM ingest"));
    for (String namespace : NAMESPACES) {
      among(
          left,
          folders.containers().resolve(namespace),
          names("--namespace", namespace, "containers", "ls", "-q"));
    }
    return left;
  }

  private static void among(Set<String> left, Path folder, java.util.Collection<String> recorded)
      throws IOException {
    if (!Files.isDirectory(folder)) {
      return;
    }
    Set<String> known = new HashSet<>(recorded);
    try (Stream<Path> files = Files.list(folder)) {
      files
          .filter(file -> !known.contains(file.getFileName().toString()))
          .forEach(file -> left.add(file.toString()));
    }
  }
}
