package io.berth.containerd.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.base.error.BerthException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class RestartLogsTest { // case S19
  @TempDir Path folder;

  @Test
  void onlyWhatIsListedIsTaken() throws Exception {
    Path logs = Files.createDirectory(folder.resolve("logs"));
    Path other = Files.createDirectory(folder.resolve("other"));
    Files.createSymbolicLink(logs.resolve("out"), other);
    Files.createSymbolicLink(logs.resolve("link"), other.resolve("file"));
    RestartLogs allowed = new RestartLogs(List.of(logs.toString(), "/usr/bin/nerdctl"));
    for (String uri :
        List.of(
            "file://" + logs + "/web.log",
            "binary:///usr/bin/nerdctl?_NERDCTL_INTERNAL_LOGGING=x")) {
      assertEquals(uri, allowed.check(uri));
    }
    for (String uri :
        List.of(
            "file://" + other + "/web.log",
            "file://" + logs + "/../other/web.log",
            "file://" + logs + "/out/web.log",
            "file://" + logs + "/link",
            "file://" + logs + "/absent/web.log",
            "file://host" + logs + "/web.log",
            "binary:///usr/bin/nerdctl/../sh",
            "binary:///bin/sh?-c=id",
            "fifo://" + logs + "/web.log",
            "berth-attach:///",
            "web.log",
            "file:///a b",
            "binary://")) {
      assertThrows(BerthException.PermissionDenied.class, () -> allowed.check(uri), uri);
    }
  }
}
