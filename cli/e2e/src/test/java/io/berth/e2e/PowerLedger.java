package io.berth.e2e;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * What clients have asked for, and when they were told that it is done: positions in the recording
 * of the disk. Thread-safe; of one thing one client at a time keeps account.
 */
final class PowerLedger {
  /** While this is under way, or when it failed, the thing may be in any state. */
  static final String ANY = "*";

  static final String ABSENT = "absent";

  /** A thing of the instance, of a kind and with a name. */
  record Thing(String kind, String name) {}

  private record Change(long begun, String state, long told, boolean durable) {}

  private final Map<Thing, List<Change>> changes = new ConcurrentHashMap<>();
  private final Map<String, String> marks = new ConcurrentHashMap<>();
  private final Set<String> files = ConcurrentHashMap.newKeySet();
  private final Queue<String> failures = new ConcurrentLinkedQueue<>();

  /**
   * A change that was asked for.
   *
   * @param told Long.MAX_VALUE if nobody was told that it is done
   * @param durable whether who is told may rely on it
   */
  void change(Thing thing, long begun, String state, long told, boolean durable) {
    changes
        .computeIfAbsent(thing, _ -> new ArrayList<>())
        .add(new Change(begun, state, told, durable));
  }

  /** A file that layers may hold. */
  void bytes(byte[] content) {
    files.add(BusyboxImage.sha256(content));
  }

  /** The same for a text. */
  void text(String text) {
    bytes(text.getBytes(StandardCharsets.UTF_8));
  }

  /** Whether layers may hold a file of this digest, in hexadecimal. */
  boolean mayBe(String sha256) {
    return files.contains(sha256);
  }

  /** The text that is in an image; empty for none. */
  void imageMark(String image, String text) {
    marks.put(image, text);
  }

  /** The texts by the names of images. */
  Map<String, String> imageMarks() {
    return marks;
  }

  /** A call that failed while there was power. */
  void failed(String what) {
    failures.add(what);
  }

  List<String> failures() {
    return List.copyOf(failures);
  }

  Set<Thing> things() {
    return changes.keySet();
  }

  /** How many things were told to be done before a position. */
  long told(long position) {
    return changes.values().stream()
        .flatMap(List::stream)
        .filter(change -> change.durable() && change.told() <= position)
        .count();
  }

  /** The states that a thing may be in after a cut; {@link #ANY} may be among them. */
  Set<String> allowed(Thing thing, long position) {
    Set<String> allowed = new TreeSet<>(Set.of(ABSENT));
    for (Change change : changes.getOrDefault(thing, List.of())) {
      if (change.begun() > position) {
        break;
      }
      if (change.told() <= position && change.durable()) {
        allowed.clear();
      } else if (thing.kind().equals("container")) {
        allowed.add(ANY);
      }
      allowed.add(change.state());
    }
    return allowed;
  }
}
