package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.testing.Eventually;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What an exec sees and may do: what its container does. */
@Tag("root")
final class ExecIT {
  @RegisterExtension static final BerthInstance berth = new BerthInstance(BerthInstance.COLD);
  private static final String IMAGE = "busybox:test";

  @BeforeAll
  static void load() throws Exception {
    berth.berth("load", "-i", BusyboxImage.archive(berth.folder("image")).toString()).exits(0);
  }

  @Test // An exec is where and what its container is.
  void exec() {
    berth
        .berth(
            "run", "-d", "--name", "home", "--network=none", "-e", "SET=1", IMAGE, "sleep", "999")
        .exits(0);
    try {
      String where =
          InsideIT.NAMESPACES
              + "cat /proc/self/cgroup; grep -E 'CapBnd|Seccomp:' /proc/self/status";
      Command inside = berth.berth("exec", "home", "sh", "-c", where).exits(0);
      Command init =
          berth.berth("exec", "home", "sh", "-c", where.replace("/proc/self", "/proc/1")).exits(0);
      assertEquals(init.out(), inside.out());
      assertEquals("a  b|", berth.berth("exec", "home", "printf", "%s|", "a  b").exits(0).out());
      Command env =
          berth
              .berth(
                  "exec",
                  "-e",
                  "MORE=2",
                  "-w",
                  "/tmp",
                  "-u",
                  "ann",
                  "home",
                  "sh",
                  "-c",
                  "env; pwd; id -u")
              .exits(0);
      env.says("SET=1\n").says("MORE=2\n").says("FROM_IMAGE=yes\n").says("/tmp\n1000\n");
      berth.berth("exec", "home", "sh", "-c", "exit 5").exits(5);
      // case L17
      berth.berth("exec", "home", "nowhere").exits(127).says("container `home`: exec: \"nowhere\"");
      berth.berth("exec", "-w", "/nosuch", "home", "true").exits(126); // case L11
      berth.berth("exec", "home", "/etc").exits(126);
      Command first = berth.berth("top", "home").exits(0);
      berth.berth("exec", "-d", "home", "sleep", "998").exits(0);
      Command more = berth.berth("top", "home").exits(0).says("sleep 998");
      assertEquals(first.out().lines().count() + 1, more.out().lines().count(), more.out());
      berth.berth("exec", "home").exits(1).says("COMMAND is missing");
    } finally {
      berth.berth("rm", "-f", "home").exits(0);
    }
    berth.berth("exec", "home", "true").exits(1).says("No such container: home");
  }

  @Test // Who interrupts an attached exec ends it.
  void anInterruptedExecEnds() throws Exception {
    berth.berth("run", "-d", "--name=busy", "--network=none", IMAGE, "sleep", "999").exits(0);
    try {
      Process client =
          // Whoever runs the tests in the background may have had SIGINT ignored for all of them.
          new ProcessBuilder(
                  "env",
                  "--default-signal=INT",
                  berth.libexec().resolve("bin/berth").toString(),
                  "--config",
                  berth.config().toString(),
                  "exec",
                  "busy",
                  "sleep",
                  "997")
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      eventually("sleep 997", /* there= */ true);
      Command.run("kill", "-INT", Long.toString(client.pid())).exits(0);
      eventually("sleep 997", /* there= */ false);
      assertTrue(client.waitFor(20, TimeUnit.SECONDS), "the client stays");
    } finally {
      berth.berth("rm", "-f", "busy").exits(0);
    }
  }

  private static void eventually(String text, boolean there) throws Exception {
    Eventually.answers(
        (there ? "runs " : "ends ") + text,
        () -> berth.berth("top", "busy").exits(0).out(),
        processes -> processes.contains(text) == there);
  }

  @Test // The limit holds for what is run later, too.
  void anExecIsLimitedLikeItsContainer() {
    berth
        .berth("run", "-d", "--name", "small", "--network=none", "-m", "16m", IMAGE, "sleep", "999")
        .exits(0);
    try {
      berth.berth("exec", "small", "sh", "-c", "busybox tail /dev/zero; exit $?").exits(137);
    } finally {
      berth.berth("rm", "-f", "small").exits(0);
    }
  }
}
