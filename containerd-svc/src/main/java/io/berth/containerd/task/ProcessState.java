package io.berth.containerd.task;

import org.jspecify.annotations.Nullable;

/**
 * Where one process of a task is in its life, as far as clients have been told. Each transition
 * answers the next state; one that means nothing in a state answers that state. Immutable.
 *
 * <p>An exit may come while the call that starts the process is under way, for the program may end
 * at once. It is then on record but held back: clients rely on the event of the start coming first.
 */
sealed interface ProcessState {
  /** The number by which the machine knows it; 0 as long as that was not told. */
  int pid();

  /** It is there, and its program does not run. */
  record Created(int pid) implements ProcessState {}

  /**
   * It is being started.
   *
   * @param calls how many calls try to start it, of which one can succeed
   */
  record Starting(int pid, int calls) implements ProcessState {}

  /** Its program runs. */
  record Running(int pid) implements ProcessState {}

  /** It has ended, and the answer to the call that started it has not come yet. */
  record EndedInStart(int pid, int calls, Exit exit) implements ProcessState {}

  /**
   * It has ended.
   *
   * @param started whether its program ever ran
   */
  record Ended(int pid, boolean started, Exit exit) implements ProcessState {}

  /**
   * It ended under an earlier life of this service, which had its exit on record; whether clients
   * heard of it is not known until its shim has repeated the exit or kept silent.
   */
  record Restored(int pid, Exit exit) implements ProcessState {}

  /** What a process is when its task, or the exec, is being made. */
  static ProcessState initial() {
    return new Created(0);
  }

  /** Its pid is known now. */
  default ProcessState numbered(int number) {
    return switch (this) {
      case Created _ -> new Created(number);
      case Starting starting -> new Starting(number, starting.calls());
      case Running _ -> new Running(number);
      case EndedInStart ended -> new EndedInStart(number, ended.calls(), ended.exit());
      case Ended ended -> new Ended(number, ended.started(), ended.exit());
      case Restored restored -> new Restored(number, restored.exit());
    };
  }

  /** A call that starts it has begun. */
  default ProcessState startBegins() {
    return switch (this) {
      case Created created -> new Starting(created.pid(), 1);
      case Starting starting -> new Starting(starting.pid(), starting.calls() + 1);
      case EndedInStart ended -> new EndedInStart(ended.pid(), ended.calls() + 1, ended.exit());
      case Running _, Ended _, Restored _ -> this;
    };
  }

  /** A call that starts it has failed. */
  default ProcessState startFails() {
    return switch (this) {
      case Starting starting ->
          starting.calls() > 1
              ? new Starting(starting.pid(), starting.calls() - 1)
              : new Created(starting.pid());
      case EndedInStart ended ->
          ended.calls() > 1
              ? new EndedInStart(ended.pid(), ended.calls() - 1, ended.exit())
              : new Ended(ended.pid(), /* started= */ false, ended.exit());
      case Created _, Running _, Ended _, Restored _ -> this;
    };
  }

  /** Its program runs, or ran, under this pid. */
  default ProcessState started(int number) {
    return switch (this) {
      case Created _, Starting _ -> new Running(number);
      case EndedInStart ended -> new Ended(number, /* started= */ true, ended.exit());
      case Ended ended -> ended.started() ? this : new Ended(number, true, ended.exit());
      case Running _, Restored _ -> this;
    };
  }

  /** Its exit is on record; of two the first counts. */
  default ProcessState ends(Exit exit) {
    return switch (this) {
      case Created created -> new Ended(created.pid(), /* started= */ false, exit);
      case Starting starting -> new EndedInStart(starting.pid(), starting.calls(), exit);
      case Running running -> new Ended(running.pid(), /* started= */ true, exit);
      case EndedInStart _, Ended _, Restored _ -> this;
    };
  }

  /** Its exit is on record; null while it is not. */
  default @Nullable Exit exit() {
    return switch (this) {
      case EndedInStart ended -> ended.exit();
      case Ended ended -> ended.exit();
      case Restored restored -> restored.exit();
      case Created _, Starting _, Running _ -> null;
    };
  }

  /** Whether its program runs or ran. */
  default boolean wasStarted() {
    return switch (this) {
      case Running _, Restored _ -> true;
      case Ended ended -> ended.started();
      case Created _, Starting _, EndedInStart _ -> false;
    };
  }
}
