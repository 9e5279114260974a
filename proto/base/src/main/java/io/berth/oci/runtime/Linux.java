package io.berth.oci.runtime;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import io.berth.base.json.Values;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What is Linux's own in a container. */
public record Linux(
    List<RuntimeSpec.IdMapping> uidMappings,
    List<RuntimeSpec.IdMapping> gidMappings,
    Map<String, String> sysctl,
    @Nullable Resources resources,
    String cgroupsPath,
    List<Namespace> namespaces,
    List<Device> devices,
    @Nullable Seccomp seccomp,
    String rootfsPropagation,
    List<String> maskedPaths,
    List<String> readonlyPaths,
    String mountLabel,
    @Nullable Personality personality,
    Map<String, TimeOffset> timeOffsets,
    @Nullable MemoryPolicy memoryPolicy,
    Map<String, NetDevice> netDevices) {
  /** Nothing set. */
  public static final Linux NONE =
      new Linux(
          List.of(), List.of(), Map.of(), null, "", List.of(), List.of(), null, "", List.of(),
          List.of(), "", null, Map.of(), null, Map.of());

  public Linux {
    uidMappings = Values.copy(uidMappings);
    gidMappings = Values.copy(gidMappings);
    sysctl = Values.copy(sysctl);
    cgroupsPath = Values.text(cgroupsPath);
    namespaces = Values.copy(namespaces);
    devices = Values.copy(devices);
    rootfsPropagation = Values.text(rootfsPropagation);
    maskedPaths = Values.copy(maskedPaths);
    readonlyPaths = Values.copy(readonlyPaths);
    mountLabel = Values.text(mountLabel);
    timeOffsets = Values.copy(timeOffsets);
    netDevices = Values.copy(netDevices);
  }

  /** The namespace of this type ({@code network}, {@code mount}, ...), or null: the host's. */
  public @Nullable Namespace namespace(String type) {
    for (Namespace namespace : namespaces) {
      if (namespace.type.equals(type)) {
        return namespace;
      }
    }
    return null;
  }

  /** A namespace that is not the host's: a new one, or with a path an existing one. */
  public record Namespace(String type, String path) {
    public Namespace {
      type = Values.text(type);
      path = Values.text(path);
    }
  }

  /** A device node; type is one of {@code c u b p}. */
  public record Device(
      String path,
      String type,
      int major,
      int minor,
      @Nullable Integer fileMode,
      @Nullable Long uid,
      @Nullable Long gid) {
    public Device {
      path = Values.text(path);
      type = Values.text(type);
    }
  }

  /** An execution domain of personality(2): {@code LINUX} or {@code LINUX32}. */
  public record Personality(String domain, List<String> flags) {
    public Personality {
      domain = Values.text(domain);
      flags = Values.copy(flags);
    }
  }

  /** By how much a clock differs inside. */
  public record TimeOffset(long secs, @JsonProperty("nanosecs") long nanoseconds) {}

  /**
   * An interface of the machine that goes into the container.
   *
   * @param name what it is called there; empty for what it is called on the machine
   */
  public record NetDevice(String name) {
    public NetDevice {
      name = Values.text(name);
    }

    /** What an interface of this name on the machine is called inside. */
    public String nameInside(String onMachine) {
      return name.isEmpty() ? onMachine : name;
    }
  }

  /** What set_mempolicy(2) takes. */
  public record MemoryPolicy(String mode, String nodes, List<String> flags) {
    public MemoryPolicy {
      mode = Values.text(mode);
      nodes = Values.text(nodes);
      flags = Values.copy(flags);
    }
  }

  /** Which system calls are allowed; first match by name and arguments counts. */
  public record Seccomp(
      String defaultAction,
      @Nullable Integer defaultErrnoRet,
      List<String> architectures,
      List<String> flags,
      String listenerPath,
      String listenerMetadata,
      List<Rule> syscalls) {
    public Seccomp {
      defaultAction = Values.text(defaultAction);
      architectures = Values.copy(architectures);
      flags = Values.copy(flags);
      listenerPath = Values.text(listenerPath);
      listenerMetadata = Values.text(listenerMetadata);
      syscalls = Values.copy(syscalls);
    }

    /** Calls by name, and what is done with them when all arguments match. */
    public record Rule(
        List<String> names, String action, @Nullable Integer errnoRet, List<Argument> args) {
      public Rule {
        names = Values.copy(names);
        action = Values.text(action);
        args = Values.copy(args);
      }
    }

    /** A comparison ({@code SCMP_CMP_EQ}) of one argument. */
    public record Argument(
        int index,
        @JsonDeserialize(using = Bits64.class) long value,
        @JsonDeserialize(using = Bits64.class) long valueTwo,
        String op) {
      public Argument {
        op = Values.text(op);
      }
    }
  }
}
