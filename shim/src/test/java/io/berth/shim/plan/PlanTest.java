package io.berth.shim.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import io.berth.base.layout.Stdio;
import io.berth.linux.supervisor.Handle;
import io.berth.linux.supervisor.Step;
import io.berth.oci.runtime.ProcessSpec;
import io.berth.oci.runtime.RuntimeSpec;
import io.berth.shim.cgroup.CgroupFolders;
import io.berth.shim.cgroup.CgroupLayout;
import io.berth.shim.cgroup.CgroupPath;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

final class PlanTest {
  private static final CgroupLayout HYBRID =
      new CgroupLayout(
          List.of(
              new CgroupLayout.Hierarchy("/sys/fs/cgroup/cpu,cpuacct", List.of("cpu", "cpuacct")),
              new CgroupLayout.Hierarchy("/sys/fs/cgroup/memory", List.of("memory")),
              new CgroupLayout.Hierarchy("/sys/fs/cgroup/systemd", List.of("name=systemd"))),
          "/sys/fs/cgroup/unified",
          false);
  private static final CgroupLayout UNIFIED = new CgroupLayout(List.of(), "/sys/fs/cgroup", true);
  private static final MachineFacts HOST =
      new MachineFacts(
          /* appArmor= */ false,
          /* seLinux= */ false,
          (1L << 41) - 1,
          path ->
              path.contains("absent")
                  ? MachineFacts.Kind.ABSENT
                  : path.contains(".") ? MachineFacts.Kind.FILE : MachineFacts.Kind.FOLDER);

  private static PlannedContainer container(
      RuntimeSpec spec, CgroupLayout layout, Stdio stdio, Step.@Nullable Filter filter) {
    return new PlannedContainer(
        "web",
        "/run/t/abc/bundle",
        spec,
        "/run/t/abc/bundle/rootfs",
        "/run/t/abc/bundle/rootfs",
        List.of(new PlannedContainer.GivenMount("", /* folder= */ true)),
        stdio,
        CgroupFolders.of(layout, new CgroupPath("/default/web")),
        filter,
        "/root",
        /* noPivot= */ false,
        /* noKeyring= */ false);
  }

  private static RuntimeSpec spec(String json) {
    return RuntimeSpec.read(json.getBytes(StandardCharsets.UTF_8), "specification");
  }

  private static RuntimeSpec minimal(String more, String linux) {
    return spec(
        "{\"process\":{\"args\":[\"a\"],\"cwd\":\"/\"},\"root\":{\"path\":\"rootfs\"}"
            + more
            + ",\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"uts\"},"
            + "{\"type\":\"network\"}]"
            + linux
            + "}}");
  }

  private static List<Step> steps(RuntimeSpec spec) {
    return InitPlan.of(container(spec, HYBRID, Stdio.NONE, null), HOST).steps();
  }

  /** The plan of a specification as ctr sends it, on both kinds of cgroup hierarchies. */
  @Test
  void whatCtrSends() throws IOException {
    RuntimeSpec spec = RuntimeSpec.read(Golden.read("ctr.json"), "ctr.json");
    Step.Filter filter = new Step.Filter(0, new byte[16]);
    Stdio stdio = new Stdio("/f/in", "/f/out", "/f/err", /* terminal= */ false);
    Golden.check(
        "ctr-hybrid.txt", PlanText.of(InitPlan.of(container(spec, HYBRID, stdio, filter), HOST)));
    Golden.check(
        "ctr-unified.txt", PlanText.of(InitPlan.of(container(spec, UNIFIED, stdio, filter), HOST)));
  }

  @Test
  void whatDockerdSends() throws IOException {
    RuntimeSpec spec = RuntimeSpec.read(Golden.read("dockerd.json"), "dockerd.json");
    Stdio stdio = new Stdio("/f/in", "/f/out", "", /* terminal= */ true);
    PlannedContainer facts =
        new PlannedContainer(
            "web",
            "/run/t/abc/bundle",
            spec,
            "/var/lib/docker/overlay2/x/merged",
            "/var/lib/docker/overlay2/x/merged",
            List.of(),
            stdio,
            CgroupFolders.of(HYBRID, new CgroupPath("/docker/web")),
            null,
            "/root",
            false,
            false);
    Golden.check("dockerd.txt", PlanText.of(InitPlan.of(facts, HOST)));
  }

  @Test
  void aUserNamespace() throws IOException {
    RuntimeSpec spec = RuntimeSpec.read(Golden.read("user-namespace.json"), "user-namespace.json");
    Golden.check(
        "user-namespace.txt",
        PlanText.of(InitPlan.of(container(spec, HYBRID, Stdio.NONE, null), HOST)));
  }

  @Test
  void anExec() throws IOException {
    RuntimeSpec spec = RuntimeSpec.read(Golden.read("ctr.json"), "ctr.json");
    ProcessSpec process =
        ProcessSpec.read(
            "{\"args\":[\"sh\"],\"cwd\":\"/tmp\",\"env\":[\"HOME=/x\"]}"
                .getBytes(StandardCharsets.UTF_8),
            "process");
    ExecPlan.Request request =
        new ExecPlan.Request(
            "web",
            "e1",
            "/bundle",
            spec,
            process,
            new Stdio("", "/f/out", "/f/err", false),
            CgroupFolders.of(HYBRID, new CgroupPath("/default/web")),
            new Step.Filter(0, new byte[16]),
            null,
            false);
    Golden.check("exec.txt", PlanText.of(ExecPlan.of(request, HOST).steps()));
  }

  record Refused(String more, String linux, String words) {}

  static List<Refused> refused() {
    return List.of(
        new Refused(
            "", ",\"sysctl\":{\"kernel.panic\":\"1\"}", "not in a separate kernel namespace"),
        new Refused("", ",\"sysctl\":{\"kernel.msgmax\":\"1\"}", "host's ipc namespace"),
        new Refused("", ",\"sysctl\":{\"net..x\":\"1\"}", "no such name"),
        new Refused("", ",\"sysctl\":{\"net/../kernel/panic\":\"1\"}", "no such name"),
        new Refused(
            "", ",\"devices\":[{\"path\":\"x\",\"type\":\"c\"}]", "`x`: not an absolute path"),
        new Refused("", ",\"maskedPaths\":[\"proc\"]", "not an absolute path"),
        new Refused("", ",\"rootfsPropagation\":\"sideways\"", "none of that name"),
        new Refused("", ",\"uidMappings\":[{\"size\":1}]", "need a user namespace"),
        new Refused("", ",\"timeOffsets\":{\"boottime\":{\"secs\":1}}", "need a time namespace"),
        new Refused(
            ",\"mounts\":[{\"destination\":\"/x\",\"source\":\"/absent\",\"options\":[\"bind\"]}]",
            "",
            "does not exist: no such file or directory"),
        new Refused(
            ",\"mounts\":[{\"destination\":\"/proc\",\"type\":\"tmpfs\",\"source\":\"tmpfs\"}]",
            "",
            "only procfs can be mounted there"),
        new Refused(
            ",\"mounts\":[{\"destination\":\"proc/self/attr\",\"source\":\"/x\",\"options\":[\"bind\"]}]",
            "",
            "it lies in /proc"),
        new Refused(
            ",\"mounts\":[{\"destination\":\"/x\",\"type\":\"proc\",\"options\":[\"idmap\"]}]",
            "",
            "only bind mounts and tmpfs can have their ids mapped"),
        new Refused(
            ",\"mounts\":[{\"destination\":\"/x\",\"source\":\"/s\",\"options\":[\"bind\",\"idmap\"]}]",
            "",
            "by a user namespace; give one"),
        new Refused(
            ",\"mounts\":[{\"destination\":\"/x\",\"source\":\"/s\",\"options\":[\"bind\"],"
                + "\"uidMappings\":[{\"size\":1}]}]",
            "",
            "go together"),
        new Refused(
            ",\"mounts\":[{\"destination\":\"/x\",\"source\":\"/s\",\"options\":[\"bind\",\"remount\",\"idmap\"]}]",
            "",
            "a mount that is there already"),
        new Refused(
            ",\"mounts\":[{\"destination\":\"/x\",\"type\":\"tmpfs\",\"options\":[\"tmpcopyup\",\"ridmap\"]}]",
            "",
            "exclude each other"),
        new Refused(
            ",\"hooks\":{\"prestart\":[{\"path\":\"x\"}],\"createContainer\":[{\"path\":\"y\"}]}",
            "",
            "not an absolute path"));
  }

  @ParameterizedTest
  @MethodSource
  void refused(Refused row) {
    BerthException refusal =
        assertThrows(BerthException.class, () -> steps(minimal(row.more, row.linux)));
    assertTrue(refusal.getMessage().contains(row.words), refusal.getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'type':'mount'}|{'e':{}}|`e`: it needs a network namespace",
        "{'type':'network'}|{'e':{'name':'a b'}}|`e`: it cannot be called `a b`",
        "{'type':'network'}|{'sixteen-letters-':{}}|it cannot be called `sixteen-letters-`",
        "{'type':'network'}|{'e':{'name':'a%s'}}|`e`: it cannot be called `a%s`",
        "{'type':'network'}|{'e':{'name':'%d%d'}}|`e`: it cannot be called `%d%d`",
        "{'type':'network'}|{'e':{'name':'x'},'x':{}}|another one becomes `x`, too",
      })
  void anInterfaceOfTheMachineThatCannotGoInside(String namespace, String devices, String words) {
    RuntimeSpec spec =
        spec(
            ("{'process':{'args':['a'],'cwd':'/'},'root':{'path':'r'},'linux':{'namespaces':["
                    + namespace
                    + "],'netDevices':"
                    + devices
                    + "}}")
                .replace('\'', '"'));
    BerthException refused = assertThrows(BerthException.class, () -> steps(spec));
    assertTrue(refused.getMessage().contains(words), refused.getMessage());
  }

  @Test
  void aMountLabelIsForTheFileSystemsThatAreMade() {
    RuntimeSpec spec =
        spec(
            ("{'process':{'args':['a'],'cwd':'/'},'root':{'path':'r'},'mounts':["
                    + "{'destination':'/proc','type':'proc'},"
                    + "{'destination':'/t','type':'tmpfs','options':['size=1m']}],"
                    + "'linux':{'mountLabel':'u:r:t:s0:c1,c2'}}")
                .replace('\'', '"'));
    MachineFacts labels =
        new MachineFacts(/* appArmor= */ false, /* seLinux= */ true, 0, HOST.sources());
    List<String> data =
        InitPlan.of(container(spec, HYBRID, Stdio.NONE, null), labels).steps().stream()
            .filter(Step.Mount.class::isInstance)
            .map(step -> ((Step.Mount) step).data())
            .toList();
    assertEquals(List.of("", "size=1m,context=\"u:r:t:s0:c1,c2\""), data);
  }

  /** The root is made in the namespace that is joined, so none is made for it. */
  @Test
  void aMountNamespaceIsJoinedAndNoneMade() {
    RuntimeSpec spec =
        spec(
            "{\"process\":{\"args\":[\"a\"],\"cwd\":\"/\"},\"root\":{\"path\":\"r\"},\"linux\":"
                + "{\"namespaces\":[{\"type\":\"mount\",\"path\":\"/n/mnt\"},{\"type\":\"pid\"}]}}");
    InitPlan plan = InitPlan.of(container(spec, HYBRID, Stdio.NONE, null), HOST);
    assertEquals(0, plan.namespaces() & CloneFlags.of("mount"));
    assertTrue(
        plan.steps()
            .contains(new Step.Join(CloneFlags.of("mount"), new Handle.NamespaceFile("/n/mnt"))));
    assertTrue(InitPlan.looksAtMachine(spec));
  }

  @Test
  void aNamespaceIsJoinedByItsPathAndTheUsersFirst() {
    RuntimeSpec spec =
        spec(
            "{\"process\":{\"args\":[\"a\"],\"cwd\":\"/\"},\"root\":{\"path\":\"r\"},"
                + "\"linux\":{\"namespaces\":[{\"type\":\"mount\"},"
                + "{\"type\":\"network\",\"path\":\"/n\"},{\"type\":\"user\",\"path\":\"/u\"}]}}");
    List<Step> joins = steps(spec).stream().filter(Step.Join.class::isInstance).toList();
    assertEquals(
        List.of(
            new Step.Join(CloneFlags.of("user"), new Handle.NamespaceFile("/u")),
            new Step.Join(CloneFlags.of("network"), new Handle.NamespaceFile("/n"))),
        joins);
    assertTrue(steps(spec).stream().noneMatch(Step.LoopbackUp.class::isInstance));
  }

  @ParameterizedTest // case S13
  @CsvSource(
      delimiter = '|',
      value = {
        "\"scheduler\":{\"policy\":\"SCHED_OTHER\",\"flags\":[\"SCHED_FLAG_X\"]}|`SCHED_FLAG_X`",
        "\"execCPUAffinity\":{\"initial\":\"zz\"}|initial `zz`",
        "\"execCPUAffinity\":{\"final\":\"0-\"}|final `0-`",
        "\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":8}|io priority 8",
      })
  void aProcessWithWordsThatMeanNothingIsRefused(String field, String words) {
    RuntimeSpec spec =
        spec(
            "{\"process\":{\"args\":[\"a\"],\"cwd\":\"/\","
                + field
                + "},\"root\":{\"path\":\"rootfs\"},"
                + "\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]}}");
    BerthException.InvalidArgument refusal =
        assertThrows(BerthException.InvalidArgument.class, () -> steps(spec));
    assertTrue(refusal.getMessage().contains(words), refusal.getMessage());
  }

  /** A container may have been made under another kernel. */
  @Test
  void aLabelThatThisKernelCannotKeep_isRefusedWithWhatToDo() {
    String spec =
        "{\"process\":{\"args\":[\"a\"],\"cwd\":\"/\",%s},\"root\":{\"path\":\"r\"},\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]}}";
    assertEquals(
        "apparmor profile `berth-default`: AppArmor is not enabled on this host; start it with the"
            + " kernel's options `apparmor=1 security=apparmor`, or make the container again"
            + " without a profile",
        refused(spec.formatted("\"apparmorProfile\":\"berth-default\"")));
    assertEquals(
        "selinux label `a:b`: SELinux is not enabled on this host; enable it, or make the container"
            + " again without a label",
        refused(spec.formatted("\"selinuxLabel\":\"a:b\"")));
  }

  private static String refused(String json) {
    return String.valueOf(
        assertThrows(BerthException.FailedPrecondition.class, () -> steps(spec(json)))
            .getMessage());
  }

  @Test
  void anExecsFirstProcessorsHoldBeforeItEntersTheCgroups() {
    RuntimeSpec spec = minimal("", "");
    ProcessSpec process =
        ProcessSpec.read(
            "{\"args\":[\"sh\"],\"cwd\":\"/\",\"execCPUAffinity\":{\"initial\":\"0-1\",\"final\":\"1\"}}"
                .getBytes(StandardCharsets.UTF_8),
            "process");
    ExecPlan.Request request =
        new ExecPlan.Request(
            "web",
            "e1",
            "/bundle",
            spec,
            process,
            Stdio.NONE,
            CgroupFolders.of(HYBRID, new CgroupPath("/default/web")),
            null,
            null,
            false);
    List<Step> all = ExecPlan.of(request, HOST).steps();
    int cgroup =
        all.indexOf(all.stream().filter(Step.Cgroup1.class::isInstance).findFirst().orElseThrow());
    assertTrue(all.indexOf(new Step.Affinity("0-1")) < cgroup);
    assertTrue(all.indexOf(new Step.Affinity("0-1")) >= 0);
    assertTrue(all.indexOf(new Step.Affinity("1")) > cgroup);
  }

  @Test
  void theLimitsAreThereBeforeTheProgramIs() {
    // The process joins its cgroups first, and the program comes last.
    List<Step> steps = steps(minimal("", ""));
    int lastCgroup = 0;
    for (int i = 0; i < steps.size(); i++) {
      if (steps.get(i) instanceof Step.Cgroup1 || steps.get(i) instanceof Step.Cgroup2) {
        lastCgroup = i;
      }
    }
    assertTrue(lastCgroup < steps.indexOf(new Step.Pivot(false)));
    assertEquals(Step.Execute.class, steps.getLast().getClass());
    assertEquals(Step.Ready.class, steps.get(steps.size() - 2).getClass());
  }

  @Test
  void aFilterWithoutNoNewPrivilegesIsLoadedBeforeTheyAreGivenUp() {
    RuntimeSpec spec = minimal("", "");
    Step.Filter filter = new Step.Filter(0, new byte[8]);
    List<Step> steps = InitPlan.of(container(spec, UNIFIED, Stdio.NONE, filter), HOST).steps();
    int load = steps.indexOf(new Step.Seccomp(filter));
    assertEquals(Step.CapabilityBounding.class, steps.get(load + 1).getClass());
  }
}
