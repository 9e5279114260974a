package io.berth.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every number that this package has typed is what the headers say. */
final class AbiTest {
  private static final List<Class<?>> CLASSES =
      List.of(
          Layouts.class,
          OpenFlags.class,
          MountFlags.class,
          OpenCommands.class,
          Sys.class,
          Epoll.class,
          Terminal.class,
          BlockedSignals.class,
          Sockets.class,
          Processes.class,
          Memfd.class,
          FileLocks.class,
          Splice.class,
          EventFd.class,
          ThreadClock.class,
          Mounts.class,
          Namespaces.class,
          FileTimestamp.class,
          Spawn.class,
          Seccomp.class,
          Bpf.class,
          BpfAssembler.class,
          DeviceFilter.class,
          FeatureProbes.class,
          IsalGzipDecoder.class);

  /** Constants that are decisions of ours; no header has them. */
  private static final Set<String> OURS =
      Set.of(
          "Bpf.ATTRIBUTES_BYTES",
          "Bpf.MOST_ATTACHED",
          "DeviceFilter.ALL_RIGHTS",
          "DeviceFilter.ANY_NUMBER",
          "DeviceFilter.MAX_RULES",
          "DeviceFilter.R_RESULT",
          "DeviceFilter.R_CONTEXT",
          "DeviceFilter.R_KIND",
          "DeviceFilter.R_WANTED",
          "DeviceFilter.R_MAJOR",
          "DeviceFilter.R_MINOR",
          "Epoll.BATCH",
          "FeatureProbes.TEN_SECONDS",
          "FeatureProbes.NO_FD",
          "Processes.CORE_BIT",
          "Processes.SIGNAL_BITS",
          "Processes.STAT_EXIT_CODE",
          "Processes.STAT_STATE",
          "IsalGzipDecoder.ALLOCATED",
          "Seccomp.MAX_FILTER_BYTES",
          "Memfd.ALL_SEALS",
          "Sockets.MAX_DESCRIPTORS",
          "Sockets.MAX_PATH_BYTES",
          "Splice.CHUNK",
          "Splice.COPY_BYTES");

  /** Constants that older headers lack; a header that has them is compared all the same. */
  private static final Set<String> NEWER =
      Set.of(
          "FeatureProbes.NFT_TABLE_F_PERSIST",
          "MountFlags.MOUNT_ATTR_NOSYMFOLLOW",
          "Processes.PIDFD_GET_INFO",
          "Processes.PIDFD_INFO_EXIT",
          "Processes.PIDFD_INFO_EXIT_CODE",
          "Processes.PIDFD_INFO_SIZE",
          "Sys.FCHMODAT2");

  @TempDir Path folder;

  @Test
  void constantsAndLayoutsAreWhatTheHeadersSay() throws Exception {
    Map<String, Long> real = CProbe.run(Path.of("src/test/c/abi_probe.c"), folder);
    List<String> wrong = new ArrayList<>();
    Set<String> unseen = new TreeSet<>(real.keySet());
    for (Class<?> type : CLASSES) {
      for (Field field : type.getDeclaredFields()) {
        if (!Modifier.isStatic(field.getModifiers()) || !isNumber(field.getType())) {
          continue;
        }
        String name = type.getSimpleName() + "." + field.getName();
        field.setAccessible(true);
        compare(name, ((Number) field.get(null)).longValue(), real, wrong);
        unseen.remove(name);
      }
    }
    for (Signal signal : Signal.values()) {
      compare("Signal." + signal, signal.number(), real, wrong);
      unseen.remove("Signal." + signal);
    }
    for (Errno errno : Errno.values()) {
      if (errno != Errno.UNKNOWN) {
        compare("Errno." + errno, errno.number(), real, wrong);
        unseen.remove("Errno." + errno);
      }
    }
    for (Namespaces.Kind kind : Namespaces.Kind.values()) {
      compare("Kind." + kind, kind.flag(), real, wrong);
      unseen.remove("Kind." + kind);
    }
    for (Seccomp.Operator operator : Seccomp.Operator.values()) {
      compare("Operator." + operator, operator.number(), real, wrong);
      unseen.remove("Operator." + operator);
    }
    assertEquals(List.of(), wrong);
    assertEquals(Set.of(), unseen, "printed by the probe, but not in these classes");
    assertTrue(real.size() > 400, "the probe prints " + real.size());
  }

  /**
   * The headers of the two libraries need not be installed; then nothing of their classes is
   * printed.
   */
  private static boolean isProbed(String name, Map<String, Long> real) {
    String type = name.substring(0, name.indexOf('.') + 1);
    return real.keySet().stream().anyMatch(k -> k.startsWith(type));
  }

  private static boolean isNumber(Class<?> type) {
    return type == int.class || type == long.class || type == short.class;
  }

  private static void compare(String name, long ours, Map<String, Long> real, List<String> wrong) {
    Long theirs = real.get(name);
    if (theirs == null) {
      if (!OURS.contains(name) && !NEWER.contains(name) && isProbed(name, real)) {
        wrong.add(name + ": the probe does not print it");
      }
    } else if (theirs != ours && theirs.intValue() != (int) ours) {
      wrong.add(name + ": " + ours + " here, " + theirs + " in the headers");
    }
  }
}
