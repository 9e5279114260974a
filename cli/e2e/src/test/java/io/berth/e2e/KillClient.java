package io.berth.e2e;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.BooleanSupplier;

/** Who uses an instance while its processes are killed: one thing after the other, by chance. */
final class KillClient {
  private static final int LONGEST_PAUSE_MILLIS = 200;
  private static final int LOOKS = 300;

  private final BerthInstance berth;
  private final KillLedger ledger;
  private final KillImages images;
  private final Random random;
  private final int number;
  private final String name;
  private int made;

  /**
   * @param number which of the images are its own
   * @param name begins the names of all that it makes
   */
  KillClient(
      BerthInstance berth,
      KillLedger ledger,
      KillImages images,
      Random random,
      int number,
      String name) {
    this.berth = berth;
    this.ledger = ledger;
    this.images = images;
    this.random = random;
    this.number = number;
    this.name = name;
  }

  void work(BooleanSupplier goesOn) {
    try {
      while (goesOn.getAsBoolean()) {
        int failed = ledger.calls() - ledger.done();
        step();
        if (ledger.calls() - ledger.done() > failed) {
          awaitServices();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException | RuntimeException | AssertionError e) {
      ledger.fault(name + ": " + e);
    }
  }

  /** As whoever is refused: he looks whether it is better now before he tries the next thing. */
  private void awaitServices() throws InterruptedException {
    for (int i = 0; i < LOOKS; i++) {
      if (BerthInstance.SERVICES.stream().allMatch(this::listens)) {
        return;
      }
      Thread.sleep(random.nextInt(LONGEST_PAUSE_MILLIS));
    }
  }

  private boolean listens(String service) {
    var address = UnixDomainSocketAddress.of(berth.state().resolve(service + ".sock"));
    try (SocketChannel _ = SocketChannel.open(address)) {
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private void step() throws IOException {
    switch (random.nextInt(12)) {
      case 0, 1 -> foreground();
      case 2, 3, 4 -> counts();
      case 5 -> stops();
      case 6 -> pulls();
      case 7 -> loads();
      case 8 -> commits();
      case 9 -> publishes();
      case 10 -> ctrForeground();
      default -> ctrBackground();
    }
  }

  private String next(String kind) {
    return name + "-" + kind + made++;
  }

  /** A code that no program of the engine has for itself. */
  private int code() {
    return 10 + random.nextInt(80);
  }

  private boolean does(String... line) {
    return ledger.engine(line[0], berth.berth(line));
  }

  private void foreground() throws IOException {
    String box = next("f");
    Path idFile = berth.folder("ids").resolve(box);
    List<String> line =
        new ArrayList<>(List.of("run", "--rm", "--name", box, "--cidfile", idFile.toString()));
    if (random.nextBoolean()) {
      line.addAll(List.of("--network", "none"));
    }
    int code = code();
    String program = "echo one; sleep 0.%d; echo two; exit %d".formatted(random.nextInt(4), code);
    line.addAll(List.of(KillImages.BASE, "sh", "-c", program));
    Command command = berth.berth(line.toArray(String[]::new));
    String id = Files.exists(idFile) ? Files.readString(idFile) : "";
    if (ledger.program("run --rm", command, code, id) && !command.out().equals("one\ntwo\n")) {
      ledger.fault("output of " + KillLedger.described(command));
    }
    Files.deleteIfExists(idFile);
  }

  private void counts() {
    String box = next("c");
    int lines = 5 + random.nextInt(120);
    int restarts = random.nextInt(3);
    int code = code();
    List<String> line = new ArrayList<>(List.of("run", "-d", "--name", box));
    if (restarts > 0) {
      line.addAll(List.of("--restart", "on-failure:" + restarts));
    }
    String program =
        "i=0; while [ $i -lt %d ]; do i=$((i+1)); echo $i; sleep 0.01; done; exit %d"
            .formatted(lines, code);
    line.addAll(List.of(KillImages.BASE, "sh", "-c", program));
    Command run = berth.berth(line.toArray(String[]::new));
    boolean told = ledger.engine("run -d", run);
    String id = run.out().strip();
    ledger.counts(new KillLedger.Counting(box, lines, code, restarts, told));
    if (!told) {
      return;
    }
    switch (random.nextInt(4)) {
      case 0 -> follows(box, id, "attach", "attach", "--no-stdin", box);
      case 1 -> follows(box, id, "logs", "logs", "--tail", "3", "-f", box);
      case 2 -> does("top", box);
      default -> does("inspect", box);
    }
  }

  /** Each number follows the one before, or begins anew with a run of the program. */
  private void follows(String box, String id, String verb, String... line) {
    Command command = berth.berth(line);
    int last = -1;
    for (String text : command.out().lines().toList()) {
      int next = text.matches("\\d+") ? Integer.parseInt(text) : -2;
      if (last >= 0 && next != last + 1 && next != 1) {
        ledger.fault(verb + " of " + box + " says " + text + " after " + last);
      }
      last = next;
    }
    // The code is the program's, or one of the engine's own; which one is told by the accounts.
    if (verb.equals("attach")) {
      ledger.program(
          verb, command, command.exit() >= 10 && command.exit() < 90 ? command.exit() : 0, id);
    } else {
      ledger.engine(verb, command);
    }
  }

  private void stops() {
    String box = next("s");
    int code = code();
    String program = "trap 'exit %d' TERM; echo up; while :; do sleep 0.02; done".formatted(code);
    Command run = berth.berth("run", "-d", "--name", box, KillImages.BASE, "sh", "-c", program);
    if (!ledger.engine("run -d", run)) {
      return;
    }
    String id = run.out().strip();
    int other = code();
    Command exec = berth.berth("exec", box, "sh", "-c", "echo in; exit " + other);
    if (ledger.program("exec", exec, other, id) && !exec.out().equals("in\n")) {
      ledger.fault("output of " + KillLedger.described(exec));
    }
    if (random.nextBoolean() && does("pause", box)) {
      does("unpause", box);
    }
    if (!ledger.engine("logs", berth.berth("logs", box))) {
      return;
    }
    if (!berth.berth("logs", box).out().equals("up\n") || !does("stop", "-t", "60", box)) {
      return;
    }
    Command ended = berth.berth("inspect", "--format", "{{.State.ExitCode}}", box);
    if (ledger.engine("inspect", ended)
        && !ended.out().strip().equals(Integer.toString(code))
        && !ledger.isBereft(id)) {
      ledger.fault("code of " + box + " after its stop: " + ended.out() + ", not " + code);
    }
    does("rm", box);
  }

  private void pulls() {
    String image = images.pulled(number);
    if (does("pull", image)) {
      shows(image, "pulled " + number);
    }
    does("rmi", "-f", image);
  }

  private void loads() {
    String image = KillImages.loaded(number);
    if (does("load", "-i", images.archive(number).toString())) {
      shows(image, "loaded " + number);
    }
    does("rmi", "-f", image);
  }

  /** What was told to be there is there, whole. */
  private void shows(String image, String text) {
    Command shown =
        berth.berth("run", "--rm", "--network", "none", "--pull", "never", image, "cat", "/mark");
    // Its id is not known here: a code of a supervisor that was killed is as good as a refusal.
    if (shown.exit() == 255 || shown.exit() == 137) {
      return;
    }
    if (ledger.engine("run --rm", shown) && !shown.out().equals(text)) {
      ledger.fault("content of " + image + ": " + KillLedger.described(shown));
    }
  }

  private void commits() {
    String box = next("m");
    String image = box + ":1";
    Command run =
        berth.berth(
            "run", "-d", "--name", box, "--network", "none", KillImages.BASE, "sleep", "10000");
    if (!ledger.engine("run -d", run)) {
      return;
    }
    Command written = berth.berth("exec", box, "sh", "-c", "printf '" + box + "' >/mark");
    if (ledger.program("exec", written, 0, run.out().strip()) && does("commit", box, image)) {
      shows(image, box);
      does("rmi", "-f", image);
    }
    does("rm", "-f", box);
  }

  private void publishes() {
    String box = next("p");
    String network = next("n");
    if (!ledger.engine("network create", berth.berth("network", "create", network))) {
      return;
    }
    int port = LocalRegistry.freePort();
    Command run =
        berth.berth(
            "run",
            "-d",
            "--name",
            box,
            "--network",
            network,
            "-p",
            port + ":80",
            KillImages.BASE,
            "sh",
            "-c",
            "echo up; httpd -f -p 80");
    if (ledger.engine("run -d", run)) {
      String id = run.out().strip();
      Command inside = berth.berth("exec", box, "ip", "-4", "-o", "address", "show", "eth0");
      if (ledger.program("exec", inside, 0, id) && !inside.out().contains("inet 10.")) {
        ledger.fault("address of " + KillLedger.described(inside));
      }
      if (random.nextBoolean()
          && ledger.engine(
              "network disconnect", berth.berth("network", "disconnect", network, box))) {
        ledger.engine("network connect", berth.berth("network", "connect", network, box));
      }
      does("port", box);
      does("rm", "-f", box);
    }
    ledger.engine("network rm", berth.berth("network", "rm", network));
  }

  private void ctrForeground() {
    String box = next("x");
    int code = code();
    Command run =
        berth.ctr("run", "--rm", KillImages.BASE, box, "sh", "-c", "echo one; exit " + code);
    if (ledger.program("ctr run", run, code, box) && !run.out().equals("one\n")) {
      ledger.fault("output of " + KillLedger.described(run));
    }
  }

  private void ctrBackground() {
    String box = next("b");
    int code = code();
    if (!ledger.engine(
        "ctr run -d",
        berth.ctr(
            "run",
            "-d",
            "--null-io",
            KillImages.BASE,
            box,
            "sh",
            "-c",
            "trap 'exit %d' TERM; while :; do sleep 0.02; done".formatted(code)))) {
      return;
    }
    int other = code();
    ledger.program(
        "ctr exec",
        berth.ctr("task", "exec", "--exec-id", "e", box, "sh", "-c", "exit " + other),
        other,
        box);
    if (random.nextBoolean()) {
      String image = images.pulled(number);
      if (ledger.engine("ctr pull", berth.ctr("images", "pull", "--plain-http", image))) {
        ledger.engine("ctr rmi", berth.ctr("images", "rm", image));
      }
    }
    ledger.engine("ctr rm", berth.ctr("task", "rm", "-f", box));
    ledger.engine("ctr rm", berth.ctr("container", "rm", box));
  }
}
