package io.berth.linux.supervisor;

import java.time.Duration;
import java.util.List;

/**
 * A program that a specification wants to be run at a point of a container's life.
 *
 * @param path absolute
 * @param arguments its name first
 * @param environment {@code KEY=value}
 * @param timeout after which it is killed; zero for none
 * @param stdinBeforePid written to its input, then the container's process id in decimal, then
 *     {@code stdinAfterPid}
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
