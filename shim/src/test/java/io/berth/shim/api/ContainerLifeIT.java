package io.berth.shim.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.berth.api.containerd.task.v3.DeleteRequest;
import io.berth.api.containerd.task.v3.StartRequest;
import io.berth.api.containerd.task.v3.WaitRequest;
import io.berth.base.id.TaskKey;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

@Tag("root")
final class ContainerLifeIT {
  @RegisterExtension final TestHost host = new TestHost();

  @Test
  void runsAProgramAndAnswersItsExitCode() throws Exception {
    TaskKey key = host.key();
    ObjectNode spec = host.spec("sh", "-c", "echo hello from $(hostname); id -u; exit 7");
    int pid = host.create(key, spec);
    var task = host.task(key);

    int started = task.start(StartRequest.newBuilder().setId(key.id()).build()).getPid();
    var waited = task.wait(WaitRequest.newBuilder().setId(key.id()).build());
    var deleted = task.delete(DeleteRequest.newBuilder().setId(key.id()).build());

    assertEquals(pid, started);
    assertEquals(7, waited.getExitStatus());
    assertEquals(7, deleted.getExitStatus());
    assertEquals("hello from inside\n0\n", host.said(key));
    assertEquals(List.of(), host.leftovers());
    assertTrue(pid > 0);
  }
}
