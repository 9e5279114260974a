package io.berth.e2e;

import io.berth.testing.Eventually;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** What is true after a round of kills, when everything goes on again. */
final class KillAccounts {
  /** Ends of containers, restarts of policies and calls of a service that hung take their time. */
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** Of a container: its state, code, restarts and id. */
  private static final String FORMAT =
      "{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}} {{.Id}}";

  private final BerthInstance berth;
  private final KillLedger ledger;
  private final Set<String> staying;
  private final Inventory before;

  /**
   * @param staying names of the containers that are there all the time
   * @param before what the instance had with them alone
   */
  KillAccounts(BerthInstance berth, KillLedger ledger, Set<String> staying, Inventory before) {
    this.berth = berth;
    this.ledger = ledger;
    this.staying = staying;
    this.before = before;
  }

  /** Adds to the ledger's faults all that does not hold. */
  void check() throws Exception {
    attempt("programs", this::programs);
    attempt("processes", this::processes);
    attempt("addresses", this::addresses);
    attempt("removal", this::removeAll);
    attempt("leftovers", this::leftovers);
  }

  /** A part of the accounts. */
  private interface Part {
    void check() throws Exception;
  }

  private void attempt(String what, Part part) throws Exception {
    try {
      part.check();
    } catch (AssertionError e) {
      ledger.fault(what + ": " + e.getMessage());
    }
  }

  private void programs() throws Exception {
    for (KillLedger.Counting container : ledger.counting()) {
      int faults = ledger.faults().size();
      program(container);
      if (ledger.faults().size() > faults) {
        ledger.tell(
            container
                + ": "
                + berth.berth("inspect", "-f", "{{.Id}} {{json .State}}", container.name()).out());
        ledger.tell(
            berth
                .berth(
                    "events",
                    "--since",
                    "1h",
                    "--until",
                    "0s",
                    "-f",
                    "container=" + container.name())
                .out());
      }
    }
  }

  private void program(KillLedger.Counting container) throws Exception {
    Command shown = berth.berth("inspect", "--format", FORMAT, container.name());
    if (shown.exit() != 0) {
      if (container.told()) {
        ledger.fault("what was told to run is not there: " + KillLedger.described(shown));
      }
      return;
    }
    if (!container.told() && state(container.name()).get(0).equals("created")) {
      // Its client was told that it does not run, and has the container to look why.
      return;
    }
    try {
      Eventually.answersWithin(
          PATIENCE,
          "ends: " + container,
          () -> state(container.name()),
          state -> state.get(0).equals("exited"));
      compare(container, state(container.name()));
    } catch (AssertionError e) {
      ledger.fault(e.getMessage());
    }
  }

  private List<String> state(String name) {
    return List.of(
        berth.berth("inspect", "--format", FORMAT, name).exits(0).out().strip().split(" "));
  }

  private void compare(KillLedger.Counting container, List<String> state) {
    boolean bereft = ledger.isBereft(state.get(3));
    int code = Integer.parseInt(state.get(1));
    if (code != container.code() && !(bereft && (code == 255 || code == 137))) {
      ledger.fault("exit code " + code + " of " + container);
    }
    int restarts = Integer.parseInt(state.get(2));
    if (restarts != container.restarts()) {
      ledger.fault("restart count " + restarts + " of " + container);
    }
    List<String> log = berth.berth("logs", container.name()).exits(0).out().lines().toList();
    int runs = 0;
    int last = container.lines();
    for (String line : log) {
      boolean begins = line.equals("1") && (bereft || last == container.lines());
      if (begins) {
        runs++;
      } else if (!line.equals(Integer.toString(last + 1))) {
        ledger.fault("log of " + container + ": " + line + " after " + last);
        return;
      }
      last = Integer.parseInt(line);
    }
    if (bereft ? runs > restarts + 1 : runs != restarts + 1 || last != container.lines()) {
      ledger.fault(
          "log of " + container + ": " + runs + " runs to " + last + ", restarts " + restarts);
    }
  }

  /** What is said to run does, and what runs is said. */
  private void processes() throws Exception {
    Set<String> told = new HashSet<>();
    for (String row :
        berth
            .berth("ps", "--no-trunc", "--format", "{{.ID}} {{.Names}}")
            .exits(0)
            .out()
            .lines()
            .toList()) {
      String[] cells = row.split(" ");
      told.add(cells[0].substring(0, 40));
      String pid = berth.berth("inspect", "--format", "{{.State.Pid}}", cells[0]).out().strip();
      if (!Files.isDirectory(Path.of("/proc", pid))) {
        ledger.fault(cells[1] + " is said to run, and its process " + pid + " is not there");
      }
    }
    for (String row : berth.ctr("tasks", "ls").exits(0).out().lines().skip(1).toList()) {
      told.add(row.split("\\s+")[0]);
    }
    Eventually.answers(
        "is said to run: what the supervisors have",
        () -> {
          Set<String> silent = new TreeSet<>(supervisors());
          silent.removeAll(told);
          return silent;
        },
        Set::isEmpty);
  }

  private Set<String> supervisors() {
    Set<String> names = new TreeSet<>();
    for (long pid : Leftovers.processes(berth.id(), berth.dir())) {
      String line = Leftovers.commandLine(pid).strip();
      if (line.startsWith("berth-supervisor ")) {
        names.add(line.substring("berth-supervisor ".length()));
      }
    }
    return names;
  }

  private void addresses() {
    List<String> ids = berth.berth("ps", "-q").exits(0).out().lines().toList();
    Set<String> seen = new HashSet<>();
    for (String id : ids) {
      Command shown =
          berth.berth(
              "inspect",
              "--format",
              "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}",
              id);
      for (String address : shown.exits(0).out().strip().split(" ")) {
        if (!address.isBlank() && !seen.add(address)) {
          ledger.fault("two containers have the address " + address);
        }
      }
    }
  }

  private void removeAll() throws IOException {
    List<String> line = new ArrayList<>(List.of("rm", "-f", "-v"));
    for (String row :
        berth.berth("ps", "-a", "--format", "{{.Names}}").exits(0).out().lines().toList()) {
      if (!staying.contains(row)) {
        line.add(row);
      }
    }
    if (line.size() > 3) {
      Command removal = berth.berth(line.toArray(String[]::new));
      if (removal.exit() != 0) {
        ledger.fault("removal: " + KillLedger.described(removal));
      }
    }
    for (String id : berth.ctr("tasks", "ls", "-q").exits(0).out().lines().toList()) {
      berth.ctr("tasks", "rm", "-f", id).exits(0);
    }
    for (String id : berth.ctr("containers", "ls", "-q").exits(0).out().lines().toList()) {
      berth.ctr("containers", "rm", id).exits(0);
    }
    for (String name :
        berth.berth("network", "ls", "--format", "{{.Name}}").exits(0).out().lines().toList()) {
      if (name.matches("r\\d+.*")) {
        berth.berth("network", "rm", name).exits(0);
      }
    }
    for (String namespace : List.of("default", berth.namespace())) {
      for (String image :
          berth
              .berth("-n", namespace, "image", "ls", "--format", "{{.Repository}}:{{.Tag}}")
              .exits(0)
              .out()
              .lines()
              .toList()) {
        if (!KillImages.BASE.endsWith("/" + image)) {
          berth.berth("-n", namespace, "rmi", "-f", image).exits(0);
        }
      }
    }
  }

  /**
   * Clients that died for a moment left leases of a day: they are given up as they would. What a
   * pull that was cut off has fetched waits for the next one for ten minutes, unless somebody
   * prunes; of images this prunes none.
   */
  static void collect(BerthInstance berth) {
    for (String namespace : List.of("default", berth.namespace())) {
      for (String lease :
          berth.ctr("--namespace", namespace, "leases", "ls", "-q").out().lines().toList()) {
        if (!lease.startsWith("berth-")) {
          berth.ctr("--namespace", namespace, "leases", "rm", lease);
        }
      }
      berth.berth("-n", namespace, "image", "prune", "-f", "--filter", "label=of.none").exits(0);
      berth.ctr("--namespace", namespace, "leases", "create", "--id", "settle").exits(0);
      berth.ctr("--namespace", namespace, "leases", "rm", "--sync", "settle").exits(0);
    }
  }

  private void leftovers() throws Exception {
    collect(berth);
    Eventually.answersWithin(
        PATIENCE,
        "is as before the round",
        () -> difference(before.found(), Inventory.of(berth).found()),
        Set::isEmpty);
  }

  private static Set<String> difference(Set<String> before, Set<String> after) {
    Set<String> difference = new TreeSet<>();
    after.stream().filter(it -> !before.contains(it)).forEach(it -> difference.add("+ " + it));
    before.stream().filter(it -> !after.contains(it)).forEach(it -> difference.add("- " + it));
    return difference;
  }
}
