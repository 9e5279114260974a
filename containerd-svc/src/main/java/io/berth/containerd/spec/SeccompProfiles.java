package io.berth.containerd.spec;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.berth.base.error.BerthException;
import io.berth.base.json.Json;
import io.berth.oci.runtime.Linux.Seccomp;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Decides which system calls a container may make (seccomp(2)): by the default profile, by none, or
 * by one that a person brings, as the runtime specification has it or in docker's form with
 * conditions. Thread-safe.
 */
final class SeccompProfiles {
  private static final int EPERM = 1;

  /** The names of an architecture: uname's, docker's, and those of the machines that it runs. */
  private static final Map<String, Architecture> ARCHITECTURES =
      Map.of(
          "x86_64",
          new Architecture("amd64", List.of("SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32")),
          "aarch64",
          new Architecture("arm64", List.of("SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM")));

  private final String machine;
  private final List<SeccompGroup> standard;

  private record Architecture(String name, List<String> tokens) {}

  /**
   * Profiles for a machine as uname(2) names it. On a machine that is not known they name no
   * architecture, so that the runtime takes its own.
   */
  SeccompProfiles(String machine) {
    this.machine = machine;
    this.standard = SeccompGroup.standard();
  }

  /**
   * The profile for a container with these capabilities; null for none. INVALID_ARGUMENT when the
   * text is no profile.
   *
   * @param wish empty or {@code default}, {@code unconfined}, or a profile's text
   */
  @Nullable Seccomp of(String wish, Set<String> capabilities) {
    return switch (wish) {
      case "unconfined" -> null;
      case "", "default", "builtin" ->
          new Seccomp(
              "SCMP_ACT_ERRNO",
              EPERM,
              architecture().tokens(),
              List.of(),
              "",
              "",
              rules(standard, capabilities));
      default -> given(wish, capabilities);
    };
  }

  private Architecture architecture() {
    return ARCHITECTURES.getOrDefault(machine, new Architecture(machine, List.of()));
  }

  private List<Seccomp.Rule> rules(List<SeccompGroup> groups, Set<String> capabilities) {
    String name = architecture().name();
    return groups.stream()
        .filter(group -> group.applies(capabilities, name))
        .map(SeccompGroup::rule)
        .toList();
  }

  private record Document(
      @Nullable String defaultAction,
      @Nullable Integer defaultErrnoRet,
      @Nullable List<String> architectures,
      @Nullable List<ArchitectureEntry> archMap,
      @Nullable List<String> flags,
      @Nullable String listenerPath,
      @Nullable String listenerMetadata,
      @Nullable List<Call> syscalls) {}

  private record ArchitectureEntry(
      @Nullable String architecture, @Nullable List<String> subArchitectures) {}

  private record Call(
      @Nullable String name,
      @Nullable List<String> names,
      @Nullable String action,
      @Nullable Integer errnoRet,
      @Nullable List<Seccomp.@Nullable Argument> args,
      @Nullable Condition includes,
      @Nullable Condition excludes) {}

  private record Condition(
      @Nullable List<String> caps, @JsonProperty("arches") @Nullable List<String> architectures) {
    List<String> capabilities() {
      return caps == null ? List.of() : caps;
    }

    List<String> machines() {
      return architectures == null ? List.of() : architectures;
    }
  }

  private Seccomp given(String text, Set<String> capabilities) {
    Document document = Json.read(text.getBytes(UTF_8), Document.class, "seccomp profile");
    String action = document.defaultAction();
    if (action == null || action.isEmpty()) {
      throw new BerthException.InvalidArgument(
          "seccomp profile: `defaultAction` is missing; write SCMP_ACT_ERRNO");
    }
    List<SeccompGroup> groups = new ArrayList<>();
    for (Call call : orEmpty(document.syscalls())) {
      groups.add(group(call));
    }
    return new Seccomp(
        action,
        document.defaultErrnoRet(),
        architectures(document),
        orEmpty(document.flags()),
        document.listenerPath() == null ? "" : document.listenerPath(),
        document.listenerMetadata() == null ? "" : document.listenerMetadata(),
        rules(groups, capabilities));
  }

  private static SeccompGroup group(Call call) {
    List<String> names = new ArrayList<>(orEmpty(call.names()));
    if (call.name() != null && !call.name().isEmpty()) {
      if (!names.isEmpty()) {
        throw new BerthException.InvalidArgument(
            "seccomp profile: `name` and `names` exclude each other; give one");
      }
      names.add(call.name());
    }
    if (names.isEmpty() || call.action() == null || call.action().isEmpty()) {
      throw new BerthException.InvalidArgument(
          "seccomp profile: an entry of `syscalls` lacks `names` or `action`");
    }
    Condition includes = call.includes();
    Condition excludes = call.excludes();
    return new SeccompGroup(
        names,
        call.action(),
        call.errnoRet(),
        orEmpty(call.args()),
        includes == null ? List.of() : includes.capabilities(),
        excludes == null ? List.of() : excludes.capabilities(),
        includes == null ? List.of() : includes.machines(),
        excludes == null ? List.of() : excludes.machines());
  }

  private List<String> architectures(Document document) {
    List<String> own = orEmpty(document.architectures());
    List<ArchitectureEntry> byMachine = orEmpty(document.archMap());
    if (byMachine.isEmpty()) {
      return own;
    }
    if (!own.isEmpty()) {
      throw new BerthException.InvalidArgument(
          "seccomp profile: `architectures` and `archMap` exclude each other; give one");
    }
    List<String> tokens = architecture().tokens();
    for (ArchitectureEntry entry : byMachine) {
      String name = entry.architecture();
      if (name != null && !tokens.isEmpty() && name.equals(tokens.getFirst())) {
        List<String> result = new ArrayList<>(List.of(name));
        result.addAll(orEmpty(entry.subArchitectures()));
        return result;
      }
    }
    return List.of();
  }

  /** A list without the elements that the document has as null. */
  private static <T> List<T> orEmpty(@Nullable List<? extends @Nullable T> list) {
    List<T> result = new ArrayList<>();
    if (list != null) {
      for (T element : list) {
        if (element != null) {
          result.add(element);
        }
      }
    }
    return result;
  }
}
