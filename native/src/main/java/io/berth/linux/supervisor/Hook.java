package io.berth.linux.supervisor;

import java.time.Duration;
import java.util.List;

/**
 * A program that a specification wants to be run at a point of a container's life.
 *
 * @param path the absolute path of the program
 * @param arguments the whole vector of arguments, the name of the program first
 * @param environment its variables, as {@code KEY=value}
 * @param timeout the time after which it is killed; zero if it never is
 * @param stdinBeforePid the text that it reads first; the container's process id in decimal
 *     follows, and then {@code stdinAfterPid}
 */
public record Hook(
    String path,
    List<String> arguments,
    List<String> environment,
    Duration timeout,
    String stdinBeforePid,
    String stdinAfterPid) {
  public Hook {
    arguments = List.copyOf(arguments);
    environment = List.copyOf(environment);
  }

  WireWriter encode(WireWriter out) {
    return out.u32((int) Math.min(timeout.toMillis(), Integer.MAX_VALUE))
        .u32(arguments.size())
        .u32(environment.size())
        .u32(0)
        .text(path)
        .texts(arguments)
        .texts(environment)
        .text(stdinBeforePid)
        .text(stdinAfterPid);
  }
}
