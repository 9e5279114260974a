package io.berth.cli.command;

import io.berth.base.text.Variables;
import io.berth.cli.session.Caller;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How a program runs in a container: the first one, or one that {@code exec} adds. */
final class ProcessOptions {
  @Option(
      names = {"-i", "--interactive"},
      description = "Keep standard input open")
  boolean interactive;

  @Option(
      names = {"-t", "--tty"},
      description = "Give it a terminal")
  boolean tty;

  @Option(
      names = {"-e", "--env"},
      paramLabel = "KEY[=VALUE]",
      description = "Environment; without a value: this one's")
  List<String> env = new ArrayList<>();

  @Option(names = "--env-file", paramLabel = "FILE", description = "Environment, a line each")
  List<Path> envFiles = new ArrayList<>();

  @Option(
      names = {"-u", "--user"},
      paramLabel = "USER[:GROUP]",
      description = "User, by name or number")
  String user = "";

  @Option(
      names = {"-w", "--workdir"},
      paramLabel = "FOLDER",
      description = "Working directory inside")
  String workdir = "";

  @Mixin DetachOption detach = new DetachOption();

  /** The variables as {@code KEY=VALUE}, with the caller's values for names without one. */
  List<String> environment(Caller caller) {
    return Variables.environment(env, caller.paths(envFiles), caller.environment());
  }
}
