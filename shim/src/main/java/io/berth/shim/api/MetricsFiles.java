package io.berth.shim.api;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.berth.base.error.BerthException;
import io.berth.linux.SyscallException;
import io.berth.shim.cgroup.CgroupFolders;
import io.berth.shim.cgroup.ControlFiles;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a container uses, by its cgroup: {@code io.containerd.cgroups.v1.Metrics} or {@code
 * v2.Metrics}, as the host has it.
 */
final class MetricsFiles {
  private MetricsFiles() {}

  /** NOT_FOUND when the cgroup is gone. */
  static Message of(CgroupFolders folders) throws IOException {
    try {
      return folders.unified() ? MetricsVersion2.of(folders) : MetricsVersion1.of(folders);
    } catch (SyscallException e) {
      throw new BerthException.NotFound("read metrics: " + e.getMessage(), e);
    }
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
