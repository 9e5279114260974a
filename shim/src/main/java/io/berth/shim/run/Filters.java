package io.berth.shim.run;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.berth.base.error.BerthException;
import io.berth.linux.Errno;
import io.berth.linux.Seccomp;
import io.berth.linux.Sockets;
import io.berth.linux.SyscallException;
import io.berth.linux.supervisor.Step;
import io.berth.oci.runtime.Linux;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Compiled seccomp filters, the most recently used kept: compiling one of the usual size takes
 * milliseconds, and most containers have the same. Safe for use by several threads.
 */
public final class Filters {
  private static final int KEPT = 32;
  private static final int FLAG_LOG = 2;
  private static final int FLAG_SPEC_ALLOW = 4;
  private static final int FLAG_WAIT_KILLABLE_RECV = 32;
  private static final String NOTIFY = "SCMP_ACT_NOTIFY";

  private final Cache<Linux.Seccomp, Step.Filter> compiled =
      Caffeine.newBuilder().maximumSize(KEPT).executor(Runnable::run).build();

  /** INVALID_ARGUMENT or UNIMPLEMENTED, naming the word, if the profile cannot be compiled. */
  public Step.@Nullable Filter of(Linux.@Nullable Seccomp profile) {
    return profile == null ? null : compiled.get(profile, Filters::compile);
  }

  private static Step.Filter compile(Linux.Seccomp profile) {
    checkListener(profile);
    Integer errno = profile.defaultErrnoRet();
    int otherwise = action(profile.defaultAction(), errno);
    try (Seccomp.Filter filter = Seccomp.filter(otherwise)) {
      filter.optimizeAsTree();
      if (!isLax(profile.defaultAction())) {
        filter.failNewerCalls();
      }
      for (String name : profile.architectures()) {
        add(filter, token(name));
      }
      for (Linux.Seccomp.Rule rule : profile.syscalls()) {
        add(filter, rule, otherwise);
      }
      return new Step.Filter(flags(profile), filter.compile());
    } catch (SyscallException e) {
      throw new BerthException.InvalidArgument("seccomp profile: " + e.getMessage(), e);
    } catch (UnsupportedOperationException e) {
      throw new BerthException.FailedPrecondition(String.valueOf(e.getMessage()), e);
    }
  }

  /** Whether the profile asks a listener. */
  private static boolean asks(Linux.Seccomp profile) {
    return profile.syscalls().stream().anyMatch(rule -> rule.action().equals(NOTIFY));
  }

  private static void checkListener(Linux.Seccomp profile) {
    String path = profile.listenerPath();
    if (path.isEmpty()) {
      if (asks(profile) || profile.defaultAction().equals(NOTIFY)) {
        throw new BerthException.InvalidArgument(
            "seccomp: SCMP_ACT_NOTIFY asks a listener, and no listenerPath names one");
      }
      if (!profile.listenerMetadata().isEmpty()) {
        throw new BerthException.InvalidArgument(
            "seccomp: listenerMetadata is for a listener, and no listenerPath names one");
      }
    } else if (!path.startsWith("/") || path.getBytes(UTF_8).length > Sockets.MAX_PATH_BYTES) {
      throw new BerthException.InvalidArgument(
          "seccomp: listenerPath `"
              + path
              + "` is no socket's path; it is absolute and has at most "
              + Sockets.MAX_PATH_BYTES
              + " bytes");
    }
    if (profile.defaultAction().equals(NOTIFY)) {
      throw new BerthException.InvalidArgument(
          "seccomp: SCMP_ACT_NOTIFY cannot be the default action: a process asks for its listener"
              + " by write(2), which would wait for that listener");
    }
    for (Linux.Seccomp.Rule rule : profile.syscalls()) {
      if (rule.action().equals(NOTIFY) && rule.names().contains("write")) {
        throw new BerthException.InvalidArgument(
            "seccomp: SCMP_ACT_NOTIFY cannot be for `write`: a process asks for its listener by"
                + " it");
      }
    }
  }

  /** Whether a call without a rule is made; a tracer is expected to know about new ones. */
  private static boolean isLax(String action) {
    return switch (action) {
      case "SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE" -> true;
      default -> false;
    };
  }

  private static int token(String architecture) {
    return Seccomp.architecture(architecture(architecture))
        .orElseThrow(() ->
            new BerthException.InvalidArgument(
                "seccomp: there is no architecture `" + architecture + "`"));
  }

  private static void add(Seccomp.Filter filter, int architecture) {
    try {
      filter.addArchitecture(architecture);
    } catch (SyscallException e) {
      throw new BerthException.InvalidArgument("seccomp profile: " + e.getMessage(), e);
    }
  }

  private static void add(Seccomp.Filter filter, Linux.Seccomp.Rule rule, int otherwise)
      throws SyscallException {
    int action = action(rule.action(), rule.errnoRet());
    if (action == otherwise) {
      // Nothing would change, and the library refuses it.
      return;
    }
    List<Seccomp.Comparison> all = rule.args().stream().map(Filters::comparison).toList();
    for (String name : rule.names()) {
      if (oncePerArgument(rule.args())) {
        add(filter, action, name, all);
      } else {
        // Two conditions on one argument: the library takes them only as rules of their own, and
        // other runtimes read them so, too.
        for (Seccomp.Comparison one : all) {
          add(filter, action, name, List.of(one));
        }
      }
    }
  }

  private static void add(
      Seccomp.Filter filter, int action, String name, List<Seccomp.Comparison> conditions)
      throws SyscallException {
    try {
      filter.addRule(action, name, conditions);
    } catch (SyscallException e) {
      // The same rule twice.
      if (!e.is(Errno.EEXIST)) {
        throw e;
      }
    }
  }

  private static boolean oncePerArgument(List<Linux.Seccomp.Argument> arguments) {
    Set<Integer> seen = new TreeSet<>();
    return arguments.stream().allMatch(argument -> seen.add(argument.index()));
  }

  private static Seccomp.Comparison comparison(Linux.Seccomp.Argument argument) {
    Seccomp.Operator operator =
        switch (argument.op()) {
          case "SCMP_CMP_NE" -> Seccomp.Operator.NE;
          case "SCMP_CMP_LT" -> Seccomp.Operator.LT;
          case "SCMP_CMP_LE" -> Seccomp.Operator.LE;
          case "SCMP_CMP_EQ" -> Seccomp.Operator.EQ;
          case "SCMP_CMP_GE" -> Seccomp.Operator.GE;
          case "SCMP_CMP_GT" -> Seccomp.Operator.GT;
          case "SCMP_CMP_MASKED_EQ" -> Seccomp.Operator.MASKED_EQ;
          default ->
              throw new BerthException.InvalidArgument(
                  "seccomp: there is no comparison `" + argument.op() + "`");
        };
    if (argument.index() < 0 || argument.index() > 5) {
      throw new BerthException.InvalidArgument(
          "seccomp: a system call has no argument " + argument.index());
    }
    return new Seccomp.Comparison(
        argument.index(), operator, argument.value(), argument.valueTwo());
  }

  private static int action(String name, @Nullable Integer errno) {
    int number = errno == null ? Errno.EPERM.number() : errno;
    return switch (name) {
      case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD" -> Seccomp.SCMP_ACT_KILL_THREAD;
      case "SCMP_ACT_KILL_PROCESS" -> Seccomp.SCMP_ACT_KILL_PROCESS;
      case "SCMP_ACT_TRAP" -> Seccomp.SCMP_ACT_TRAP;
      case "SCMP_ACT_ERRNO" -> Seccomp.failWith(number);
      case "SCMP_ACT_TRACE" -> Seccomp.trace(number);
      case "SCMP_ACT_ALLOW" -> Seccomp.SCMP_ACT_ALLOW;
      case "SCMP_ACT_LOG" -> Seccomp.SCMP_ACT_LOG;
      case NOTIFY -> Seccomp.SCMP_ACT_NOTIFY;
      default ->
          throw new BerthException.InvalidArgument("seccomp: there is no action `" + name + "`");
    };
  }

  /** The library's name of an architecture. */
  private static String architecture(String name) {
    Map<String, String> others = new HashMap<>();
    others.put("AMD64", "x86_64");
    others.put("ARM64", "aarch64");
    String bare =
        (name.startsWith("SCMP_ARCH_") ? name.substring("SCMP_ARCH_".length()) : name)
            .toUpperCase(Locale.ROOT);
    return others.getOrDefault(bare, bare.toLowerCase(Locale.ROOT));
  }

  private static int flags(Linux.Seccomp profile) {
    int flags = asks(profile) ? Step.Filter.FLAG_NEW_LISTENER : 0;
    List<String> unknown = new ArrayList<>();
    for (String flag : profile.flags()) {
      switch (flag) {
        case "SECCOMP_FILTER_FLAG_LOG" -> flags |= FLAG_LOG;
        case "SECCOMP_FILTER_FLAG_SPEC_ALLOW" -> flags |= FLAG_SPEC_ALLOW;
        case "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" -> {
          if (!asks(profile)) {
            throw new BerthException.InvalidArgument(
                "seccomp: flag `" + flag + "` means something with SCMP_ACT_NOTIFY only");
          }
          flags |= FLAG_WAIT_KILLABLE_RECV;
        }
        case "SECCOMP_FILTER_FLAG_TSYNC" -> {
          // The process has one thread.
        }
        default -> unknown.add(flag);
      }
    }
    if (!unknown.isEmpty()) {
      throw new BerthException.InvalidArgument(
          "seccomp: there is no flag `" + unknown.getFirst() + "`");
    }
    return flags;
  }
}
