package io.berth.e2e;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Kills and stops processes of an instance in bursts, at random moments, and starts the services
 * again as whoever watches over them would.
 */
final class RandomKiller {
  /** Whom it hits; more often whose start costs little. */
  private enum Victim {
    SUPERVISOR(30),
    SHIM(20),
    KEEPER(12),
    RESIDENT(10),
    CONTAINERD(10),
    NETWORK(10),
    IMAGE(8);

    private final int weight;

    Victim(int weight) {
      this.weight = weight;
    }
  }

  private static final int MOST_AT_ONCE = 6;
  private static final int LONGEST_PAUSE_MILLIS = 100;
  private static final int MOST_CALLS_BETWEEN = 12;

  /** Longest that it waits for the clients: what was killed may be what they all need. */
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private static final int LONGEST_STOP_MILLIS = 5000;

  private final BerthInstance berth;
  private final KillLedger ledger;
  private final Random random;
  private final Set<String> spared;
  private final List<Thread> pending = new ArrayList<>();

  /**
   * @param spared names of supervisors that it leaves alone
   */
  RandomKiller(BerthInstance berth, KillLedger ledger, Random random, Set<String> spared) {
    this.berth = berth;
    this.ledger = ledger;
    this.random = random;
    this.spared = spared;
  }

  /** Hits at least so many processes, and comes back when all services answer. */
  void hit(int number) throws Exception {
    while (ledger.hits() < number) {
      // Now and then at once: what has just been killed is still on its way up.
      if (random.nextInt(4) != 0) {
        awaitCalls(1 + random.nextInt(MOST_CALLS_BETWEEN));
      }
      Thread.sleep(random.nextInt(LONGEST_PAUSE_MILLIS));
      for (int i = random.nextInt(MOST_AT_ONCE); i >= 0; i--) {
        hitOne(chosen());
      }
    }
    for (Thread thread : pending) {
      thread.join();
    }
    for (String service : BerthInstance.SERVICES) {
      berth.awaitAnswer(service);
    }
  }

  /** The clock is what the clients get done, so that a slow machine is not only killed. */
  private void awaitCalls(int number) throws InterruptedException {
    int wanted = ledger.done() + number;
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (ledger.done() < wanted && System.nanoTime() < deadline) {
      Thread.sleep(5);
    }
  }

  private Victim chosen() {
    int at = random.nextInt(100);
    for (Victim victim : Victim.values()) {
      at -= victim.weight;
      if (at < 0) {
        return victim;
      }
    }
    throw new IllegalStateException("the weights are no hundred");
  }

  private void hitOne(Victim victim) throws Exception {
    boolean stop = random.nextInt(8) == 0;
    switch (victim) {
      case CONTAINERD -> hitService("containerd", stop);
      case NETWORK -> hitService("network", stop);
      case IMAGE -> hitService("image", stop);
      case SHIM -> hitProcess(victim, "io.berth.shim.ShimMain", stop);
      case RESIDENT -> hitProcess(victim, "io.berth.cli.resident.ResidentMain", stop);
      case KEEPER -> hitProcess(victim, "keeper.sock", stop);
      case SUPERVISOR -> hitProcess(victim, "berth-supervisor ", stop);
    }
  }

  private void hitService(String service, boolean stop) throws Exception {
    if (stop) {
      stop(berth.process(service), service);
      return;
    }
    ledger.hit("kill " + service, "");
    berth.kill(service);
    berth.start(service);
  }

  private void hitProcess(Victim victim, String mark, boolean stop) {
    List<Long> processes =
        Leftovers.processes(berth.id(), berth.dir()).stream()
            .filter(pid -> Leftovers.commandLine(pid).contains(mark) && mayDie(victim, pid))
            .sorted()
            .toList();
    if (processes.isEmpty()) {
      return;
    }
    long pid = processes.get(random.nextInt(processes.size()));
    ProcessHandle process = ProcessHandle.of(pid).orElse(null);
    if (process == null) {
      return;
    }
    String name = victim.name().toLowerCase(java.util.Locale.ROOT);
    if (stop) {
      stop(process, name);
      return;
    }
    String whom = pid + " " + Leftovers.commandLine(pid).strip().replaceAll(".* ", "");
    if (victim == Victim.SUPERVISOR) {
      ledger.bereave(supervisorName(pid));
    }
    // By its handle, which knows the time of its start: the number may be another's by now.
    if (process.destroyForcibly()) {
      ledger.hit("kill " + name, whom);
    }
  }

  private boolean mayDie(Victim victim, long pid) {
    return switch (victim) {
      case SUPERVISOR -> !spared.contains(supervisorName(pid));
      case SHIM, RESIDENT, KEEPER -> true;
      case CONTAINERD, NETWORK, IMAGE -> false;
    };
  }

  /** What a supervisor calls itself: the begin of its container's id. */
  private static String supervisorName(long pid) {
    String line = Leftovers.commandLine(pid).strip();
    return line.substring(line.indexOf(' ') + 1);
  }

  private void stop(ProcessHandle process, String name) {
    double part = random.nextDouble();
    long millis = 50 + (long) (LONGEST_STOP_MILLIS * part * part * part);
    String pid = Long.toString(process.pid());
    if (Command.run("kill", "-STOP", pid).exit() != 0) {
      return;
    }
    ledger.hit("stop " + name, pid + " for " + millis + " ms");
    pending.add(
        Thread.ofVirtual()
            .start(() -> {
              try {
                TimeUnit.MILLISECONDS.sleep(millis);
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
              if (process.isAlive()) {
                Command.run("kill", "-CONT", pid);
              }
            }));
  }
}
