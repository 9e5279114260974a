package io.berth.shim.run;

import io.berth.base.error.BerthException;
import io.berth.base.error.LaunchFailure;
import io.berth.linux.Errno;
import io.berth.linux.supervisor.ExitRecord;
import io.berth.linux.supervisor.Hook;
import io.berth.linux.supervisor.SupervisorConnection;
import io.berth.oci.runtime.RuntimeSpec;
import io.berth.shim.plan.HookCalls;
import java.io.IOException;
import java.util.List;

/**
 * Has those hooks run that belong outside of the container: the supervisor carries them out one
 * after another, in the machine's namespaces, with the container's state on their input.
 */
final class HookRunner {
  private static final int OPERATIONS_PER_POINT = 64;

  private final RuntimeSpec spec;
  private final String id;
  private final String bundle;

  HookRunner(RuntimeSpec spec, String id, String bundle) {
    this.spec = spec;
    this.id = id;
    this.bundle = bundle;
  }

  /** Points of a container's life at which hooks run outside of it. */
  enum Point {
    PRESTART("prestart", 1, "creating"),
    CREATE_RUNTIME("createRuntime", 2, "creating"),
    POSTSTART("poststart", 3, "running"),
    POSTSTOP("poststop", 4, "stopped");

    /** As the specification calls it. */
    private final String word;

    private final int number;
    private final String status;

    Point(String word, int number, String status) {
      this.word = word;
      this.number = number;
      this.status = status;
    }
  }

  /**
   * Runs all of them in turn.
   *
   * @throws BerthException.Unknown at the first that fails, with what it said
   */
  void run(Point point, SupervisorConnection supervisor, RequestIds requests) throws IOException {
    List<Hook> calls = HookCalls.of(hooks(point), spec, id, bundle, point.status);
    int number = OPERATIONS_PER_POINT * point.number;
    for (Hook call : calls) {
      run(point, call, supervisor, requests.operation(number++));
    }
  }

  private List<RuntimeSpec.Hook> hooks(Point point) {
    return switch (point) {
      case PRESTART -> spec.hooks().prestart();
      case CREATE_RUNTIME -> spec.hooks().createRuntime();
      case POSTSTART -> spec.hooks().poststart();
      case POSTSTOP -> spec.hooks().poststop();
    };
  }

  private void run(Point point, Hook call, SupervisorConnection supervisor, long request)
      throws IOException {
    SupervisorConnection.HookResult result =
        Supervision.awaitLong(supervisor.hook(request, call, null));
    if (result.how() == ExitRecord.How.EXITED && result.code() == 0 && !result.timedOut()) {
      return;
    }
    String cause =
        result.timedOut()
            ? "not finished after " + call.timeout().toSeconds() + " s"
            : result.how() == ExitRecord.How.SIGNALLED
                ? "killed by signal " + result.code()
                : "exit status " + result.code();
    String output = result.output().strip();
    throw new BerthException.Unknown(
            point.word
                + " hook `"
                + call.path()
                + "`: "
                + cause
                + (output.isEmpty() ? "" : ": " + output.replace('\n', ' ')))
        .with(new LaunchFailure(LaunchFailure.Kind.HOOK_FAILED, call.path(), Errno.UNKNOWN));
  }
}
