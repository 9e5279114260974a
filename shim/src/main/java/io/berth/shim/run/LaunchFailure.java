package io.berth.shim.run;

import io.berth.base.error.BerthException;
import io.berth.linux.Errno;
import io.berth.linux.supervisor.Hook;
import io.berth.linux.supervisor.Step;
import io.berth.linux.supervisor.SupervisorException;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Why a process could not be made, in the words by which clients tell cases apart: docker turns two
 * of them into the exit codes 127 and 126.
 */
final class LaunchFailure {
  private LaunchFailure() {}

  /**
   * UNKNOWN, as runtimes have it.
   *
   * @param step the one that failed, or null
   */
  static BerthException of(String what, @Nullable Step step, IOException failure) {
    if (!(failure instanceof SupervisorException refused)) {
      return new BerthException.Unknown(what + ": " + failure.getMessage(), failure);
    }
    String cause =
        switch (step) {
          case Step.LookUp lookUp -> program(lookUp.program(), refused);
          case Step.Execute execute when !execute.arguments().isEmpty() ->
              program(execute.arguments().getFirst(), refused);
          case Step.ResourceLimit limit ->
              "error setting rlimit type "
                  + limit.resource()
                  + " ("
                  + limit.name()
                  + "): "
                  + refused.errno().text();
          case Step.WorkingDirectory folder ->
              "chdir to cwd (\""
                  + folder.path()
                  + "\") set in config.json failed: "
                  + refused.errno().text();
          case Step.RunHook(Hook hook) ->
              "error running hook `" + hook.path() + "`: " + refused.getMessage();
          case null, default -> refused.getMessage();
        };
    return new BerthException.Unknown(what + ": " + cause, failure);
  }

  private static String program(String name, SupervisorException refused) {
    String cause =
        switch (refused.errno()) {
          // The words that docker turns into 127; runc tells a name from a path.
          case ENOENT, ENOTDIR ->
              name.contains("/")
                  ? "stat " + name + ": no such file or directory"
                  : "executable file not found in $PATH";
          case EACCES, EISDIR, EPERM -> "permission denied";
          case ENOEXEC -> "exec format error";
          case Errno other -> other.text();
        };
    return "exec: \"" + name + "\": " + cause;
  }
}
