package io.berth.linux;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A program to be started by {@link Processes#spawn}. It gets the descriptors named here and no
 * other, default signal handling, an empty signal mask, and the environment given here and nothing
 * of this process's.
 */
public final class SpawnPlan {
  private final String program;
  private final List<String> arguments = new ArrayList<>();
  private final List<String> environment = new ArrayList<>();
  private final Map<Integer, Fd> descriptors = new LinkedHashMap<>();
  private @Nullable String directory;
  private boolean newSession;

  private SpawnPlan(String program) {
    this.program = program;
    arguments.add(program);
  }

  /** The program at a path; its first argument, its name, is that path too. */
  public static SpawnPlan of(String program) {
    return new SpawnPlan(Objects.requireNonNull(program));
  }

  /** Sets the program's name, its first argument. */
  public SpawnPlan name(String name) {
    arguments.set(0, name);
    return this;
  }

  /** Adds arguments behind those given already. */
  public SpawnPlan arguments(String... more) {
    return arguments(List.of(more));
  }

  /** Adds arguments behind those given already. */
  public SpawnPlan arguments(List<String> more) {
    arguments.addAll(more);
    return this;
  }

  /** Adds a variable to the environment. */
  public SpawnPlan environment(String key, String value) {
    environment.add(key + "=" + value);
    return this;
  }

  /** Adds variables to the environment. */
  public SpawnPlan environment(Map<String, String> variables) {
    variables.forEach(this::environment);
    return this;
  }

  /**
   * Which descriptor is number {@code target} there. Without 0, 1 or 2 the program has /dev/null in
   * that place. The descriptor is borrowed until {@link Processes#spawn} has returned.
   */
  public SpawnPlan descriptor(int target, Fd fd) {
    if (target < 0) {
      throw new IllegalArgumentException("descriptor " + target);
    }
    descriptors.put(target, fd);
    return this;
  }

  /** Sets the folder that the program starts in; else it is this process's current one. */
  public SpawnPlan directory(String path) {
    directory = path;
    return this;
  }

  /** Lets the program lead a session of its own, so that no terminal's signals reach it. */
  public SpawnPlan newSession() {
    newSession = true;
    return this;
  }

  String program() {
    return program;
  }

  List<String> arguments() {
    return arguments;
  }

  List<String> environment() {
    return environment;
  }

  Map<Integer, Fd> descriptors() {
    return descriptors;
  }

  @Nullable String directory() {
    return directory;
  }

  boolean isNewSession() {
    return newSession;
  }
}
