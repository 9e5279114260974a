package io.berth.shim.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import io.berth.api.containerd.task.v3.DeleteRequest;
import io.berth.api.containerd.task.v3.ExecProcessRequest;
import io.berth.api.containerd.task.v3.KillRequest;
import io.berth.api.containerd.task.v3.PauseRequest;
import io.berth.api.containerd.task.v3.PidsRequest;
import io.berth.api.containerd.task.v3.ResumeRequest;
import io.berth.api.containerd.task.v3.StartRequest;
import io.berth.api.containerd.task.v3.StatsRequest;
import io.berth.api.containerd.task.v3.UpdateTaskRequest;
import io.berth.api.containerd.task.v3.WaitRequest;
import io.berth.base.id.TaskKey;
import io.berth.base.json.Json;
import io.berth.base.rpc.Anys;
import io.berth.linux.KernelFeature;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Containers where version 2 of cgroups does everything. */
@Tag("root")
final class UnifiedIT {
  private static final String KMSG = "\"type\":\"c\",\"major\":1,\"minor\":11,\"access\":\"w\"";

  @RegisterExtension final TestShimProcess shims = TestShimProcess.unified();

  private int execs;
  private Set<KernelFeature> before = Set.of();

  @AfterEach
  void giveBack() {
    var _ = KernelFeature.doWithout(before);
  }

  private TaskKey start(ObjectNode spec) throws Exception {
    TaskKey key = shims.key();
    shims.create(key, spec);
    shims.task(key).start(StartRequest.newBuilder().setId(key.id()).build());
    return key;
  }

  /** How a shell's command ends that is run in a container. */
  private int exec(TaskKey key, String command) throws Exception {
    var task = shims.task(key);
    String id = "e" + ++execs;
    ObjectNode process = (ObjectNode) shims.spec("sh", "-c", command).get("process");
    task.exec(
        ExecProcessRequest.newBuilder()
            .setId(key.id())
            .setExecId(id)
            .setStdout("file://" + shims.output(key))
            .setStderr("file://" + shims.output(key))
            .setSpec(Anys.of(Anys.PROCESS, ByteString.copyFrom(Json.bytes(process))))
            .build());
    task.start(StartRequest.newBuilder().setId(key.id()).setExecId(id).build());
    int status =
        task.wait(WaitRequest.newBuilder().setId(key.id()).setExecId(id).build()).getExitStatus();
    task.delete(DeleteRequest.newBuilder().setId(key.id()).setExecId(id).build());
    return status;
  }

  private void end(TaskKey key) throws Exception {
    var task = shims.task(key);
    task.kill(KillRequest.newBuilder().setId(key.id()).setSignal(9).setAll(true).build());
    task.wait(WaitRequest.newBuilder().setId(key.id()).build());
    task.delete(DeleteRequest.newBuilder().setId(key.id()).build());
    assertEquals(List.of(), shims.leftovers());
  }

  private void update(TaskKey key, String resources) throws Exception {
    shims
        .task(key)
        .update(
            UpdateTaskRequest.newBuilder()
                .setId(key.id())
                .setResources(Anys.of(Anys.LINUX_RESOURCES, ByteString.copyFromUtf8(resources)))
                .build());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void devicesAreDeniedUnlessARuleAllowsThem(boolean newer) throws Exception {
    before = KernelFeature.doWithout(newer ? Set.of() : KernelFeature.replaceable());
    ObjectNode spec = shims.spec("sleep", "100");
    ((ObjectNode) spec.get("linux"))
        .putArray("devices")
        .addObject()
        .put("path", "/dev/kmsg")
        .put("type", "c")
        .put("major", 1)
        .put("minor", 11)
        .put("fileMode", 0600);
    TaskKey key = start(spec);

    assertEquals(0, exec(key, ": > /dev/null && : < /dev/zero"));
    assertEquals(1, exec(key, ": > /dev/kmsg"));
    assertTrue(shims.said(key).contains("Operation not permitted"), shims.said(key));

    update(key, "{\"devices\":[{\"allow\":false},{\"allow\":true," + KMSG + "}]}");
    assertEquals(0, exec(key, ": > /dev/kmsg"));
    update(key, "{\"cpu\":{\"shares\":0}}");
    assertEquals(0, exec(key, ": > /dev/kmsg"));
    update(key, "{\"devices\":[{\"allow\":true},{\"allow\":false," + KMSG + "}]}");
    assertEquals(1, exec(key, ": > /dev/kmsg"));
    end(key);
  }

  @Test
  void itsCgroupIsTheRootThatItSees() throws Exception {
    ObjectNode spec = shims.spec("sh", "-c", "grep 0:: /proc/self/cgroup; sleep 100");
    ((ObjectNode) spec.get("linux")).withArray("namespaces").addObject().put("type", "cgroup");
    TaskKey key = start(spec);
    int pid = shims.table().task(key).init().pid();
    List<String> outside =
        Files.readAllLines(Path.of("/proc", "" + pid, "cgroup")).stream()
            .filter(line -> line.startsWith("0::"))
            .toList();
    assertEquals(
        List.of("0::/" + shims.config().cgroupParent() + "/" + key.namespace() + "/" + key.id()),
        outside);
    shims.awaitSaid(key, "0::");
    assertEquals(0, exec(key, "test -e /sys/fs/cgroup/cgroup.procs"));
    assertEquals("0::/\n", shims.said(key));
    end(key);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void itIsFrozenCountedAndKilledAsAWhole(boolean newer) throws Exception {
    before = KernelFeature.doWithout(newer ? Set.of() : KernelFeature.replaceable());
    TaskKey key = start(shims.spec("sh", "-c", "sleep 100 & sleep 100 & wait"));
    var task = shims.task(key);
    assertEquals(0, exec(key, "sleep 0.1"));
    assertEquals(
        3, task.pids(PidsRequest.newBuilder().setId(key.id()).build()).getProcessesCount());
    task.pause(PauseRequest.newBuilder().setId(key.id()).build());
    assertTrue(shims.table().task(key).cgroup().isFrozen());
    task.resume(ResumeRequest.newBuilder().setId(key.id()).build());
    assertFalse(shims.table().task(key).cgroup().isFrozen());
    assertEquals(
        "io.containerd.cgroups.v2.Metrics",
        task.stats(StatsRequest.newBuilder().setId(key.id()).build()).getStats().getTypeUrl());
    end(key);
  }

  @Test
  void anExecFollowsAnInitThatHasMovedIntoACgroupOfItsOwn() throws Exception {
    ObjectNode spec =
        shims.spec(
            "sh",
            "-c",
            "cd /sys/fs/cgroup && mkdir inner && echo 0 > inner/cgroup.procs"
                + " && echo +hugetlb > cgroup.subtree_control && echo moved; sleep 100");
    ((ObjectNode) spec.get("linux")).withArray("namespaces").addObject().put("type", "cgroup");
    for (var mount : spec.get("mounts")) {
      if (mount.get("type").asText().equals("cgroup")) {
        ((ObjectNode) mount).putArray("options").add("rw").add("nosuid");
      }
    }
    TaskKey key = start(spec);
    shims.awaitSaid(key, "moved");
    assertEquals(0, exec(key, "grep 0:: /proc/self/cgroup"));
    assertEquals("moved\n0::/inner\n", shims.said(key));
    end(key);
  }
}
