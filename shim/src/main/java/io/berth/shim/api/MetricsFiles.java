package io.berth.shim.api;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.berth.base.error.BerthException;
import io.berth.linux.SyscallException;
import io.berth.shim.cgroup.CgroupFolders;
import io.berth.shim.cgroup.ControlFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a container uses, by its cgroup: {@code io.containerd.cgroups.v1.Metrics} or {@code
 * v2.Metrics}, whichever version of cgroups the machine has.
 */
final class MetricsFiles {
  private static final int MAX_INTERFACES = 64;

  /** How many columns of /proc/PID/net/dev (proc_pid_net(5)) are about receiving. */
  private static final int RECEIVE_COLUMNS = 8;

  private MetricsFiles() {}

  /**
   * NOT_FOUND when the cgroup is gone.
   *
   * @param init whose network is counted, unless it is this process's own
   */
  static Message of(CgroupFolders folders, int init) throws IOException {
    try {
      List<Map<String, Long>> network = network(init);
      return folders.unified()
          ? MetricsVersion2.of(folders, network)
          : MetricsVersion1.of(folders, network);
    } catch (SyscallException e) {
      throw new BerthException.NotFound("read metrics: " + e.getMessage(), e);
    }
  }

  /**
   * What went through each interface, by the names of the message's fields; the name of the
   * interface itself is the key of the one value below 0.
   */
  static List<Map<String, Long>> network(int init) throws IOException {
    String process = "/proc/" + init;
    List<Map<String, Long>> all = new ArrayList<>();
    try {
      Path own = Files.readSymbolicLink(Path.of("/proc/self/ns/net"));
      if (init == 0 || own.equals(Files.readSymbolicLink(Path.of(process, "ns/net")))) {
        return all;
      }
    } catch (NoSuchFileException gone) {
      return all;
    }
    String text = ControlFiles.readIfThere(process, "net/dev");
    if (text == null) {
      return all;
    }
    for (String line : text.split("\n", -1)) {
      int colon = line.indexOf(':');
      String[] numbers = line.substring(colon + 1).strip().split(" +", -1);
      if (colon < 0 || numbers.length < 12 || all.size() == MAX_INTERFACES) {
        continue;
      }
      Map<String, Long> values = new LinkedHashMap<>();
      values.put(line.substring(0, colon).strip(), -1L);
      int at = 0;
      for (String direction : List.of("rx_", "tx_")) {
        values.put(direction + "bytes", number(numbers[at]));
        values.put(direction + "packets", number(numbers[at + 1]));
        values.put(direction + "errors", number(numbers[at + 2]));
        values.put(direction + "dropped", number(numbers[at + 3]));
        at += RECEIVE_COLUMNS;
      }
      all.add(values);
    }
    return all;
  }

  /** The name of the interface that an entry of {@link #network} counts. */
  static String interfaceOf(Map<String, Long> values) {
    return values.keySet().iterator().next();
  }

  /** A file of lines with a word and a number each; empty when it is not there. */
  static Map<String, Long> table(@Nullable String folder, String file) throws SyscallException {
    Map<String, Long> table = new LinkedHashMap<>();
    String text = folder == null ? null : ControlFiles.readIfThere(folder, file);
    if (text == null) {
      return table;
    }
    for (String line : text.split("\n", -1)) {
      int blank = line.indexOf(' ');
      if (blank > 0) {
        table.put(line.substring(0, blank), number(line.substring(blank + 1)));
      }
    }
    return table;
  }

  /** A file with one number; 0 when it is not there, all bits set for `max`. */
  static long value(@Nullable String folder, String file) throws SyscallException {
    String text = folder == null ? null : ControlFiles.readIfThere(folder, file);
    return text == null ? 0 : number(text);
  }

  static long number(String text) {
    String plain = text.strip();
    if (plain.equals("max")) {
      return -1;
    }
    try {
      return Long.parseUnsignedLong(plain);
    } catch (NumberFormatException e) {
      return 0;
    }
  }

  /** Sets each field that has a value under its own name. */
  static void fill(Message.Builder message, Map<String, Long> values) {
    for (FieldDescriptor field : message.getDescriptorForType().getFields()) {
      Long value = values.get(field.getName());
      if (value != null
          && !field.isRepeated()
          && field.getJavaType() == FieldDescriptor.JavaType.LONG) {
        message.setField(field, value);
      }
    }
  }
}
