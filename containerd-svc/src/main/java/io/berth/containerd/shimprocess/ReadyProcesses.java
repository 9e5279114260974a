package io.berth.containerd.shimprocess;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/**
 * How many shim processes are kept, for each is fifty megabytes. As long as all tasks are of one
 * namespace, the next one will most likely be as well, and the process that has them is as ready
 * for it as one that is free. Whoever asks holds the lock that guards the processes' states.
 *
 * @param reserve how many are kept ready
 * @param containersPerProcess how many tasks one takes at most
 */
record ReadyProcesses(int reserve, int containersPerProcess) {
  /** How long a process is kept that has no task and is not one of those that are kept ready. */
  private static final Duration IDLE = Duration.ofMinutes(10);

  /** How many that belong to a namespace and have no task are kept at once. */
  private static final int MAX_IDLE = 4;

  static List<ShimProcess> free(Collection<ShimProcess> all) {
    return all.stream().filter(ShimProcess::isFree).toList();
  }

  /** How many free ones there have to be beside those that are in use. */
  int wantedFree(Collection<ShimProcess> all) {
    return Math.max(0, isReadyInUse(inUse(all)) ? reserve - 1 : reserve);
  }

  private static List<ShimProcess> inUse(Collection<ShimProcess> all) {
    return all.stream().filter(process -> !process.namespace().isEmpty()).toList();
  }

  private boolean isReadyInUse(List<ShimProcess> used) {
    return used.stream().map(ShimProcess::namespace).distinct().count() == 1
        && used.stream().noneMatch(ShimProcess::isExclusive)
        && used.stream()
            .anyMatch(process -> process.hasRoomFor(process.namespace(), containersPerProcess));
  }

  /**
   * Those that nobody needs: they had no task for too long, too many have none, or they are free
   * for too long while fewer are wanted.
   *
   * @param nanos what {@link System#nanoTime} says
   */
  List<ShimProcess> superfluous(Collection<ShimProcess> all, long nanos) {
    List<ShimProcess> left = new ArrayList<>(all);
    List<ShimProcess> idle =
        all.stream()
            .filter(ShimProcess::isIdle)
            .sorted(Comparator.comparingLong(ShimProcess::idleSinceNanos))
            .toList();
    int tooMany = idle.size() - MAX_IDLE;
    for (ShimProcess process : idle) {
      boolean ready = reserve > 0 && isReadyInUse(inUse(left)) && inUse(left).size() == 1;
      if (!ready && (tooMany > 0 || isLongIdle(process, nanos))) {
        left.remove(process);
      }
      tooMany--;
    }
    left.removeAll(
        free(left).stream()
            .skip(wantedFree(left))
            .filter(process -> isLongIdle(process, nanos))
            .toList());
    return all.stream().filter(process -> !left.contains(process)).toList();
  }

  private static boolean isLongIdle(ShimProcess process, long nanos) {
    return nanos - process.idleSinceNanos() > IDLE.toNanos();
  }
}
