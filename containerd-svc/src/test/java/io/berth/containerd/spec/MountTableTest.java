package io.berth.containerd.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.api.berth.container.v1.HostConfig;
import io.berth.api.berth.container.v1.ImageConfig;
import io.berth.api.berth.container.v1.Mount;
import io.berth.base.error.BerthException;
import io.berth.containerd.api.message.ConfigMessages;
import io.berth.containerd.api.message.HostMessages;
import io.berth.oci.runtime.RuntimeSpec;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class MountTableTest {
  /** A mount that is refused, and the line that says why. */
  record Refused(String line, Mount.Builder mount) {
    @Override
    public String toString() {
      return line;
    }
  }

  static List<Refused> refused() {
    return List.of(
        new Refused(
            "mount target `data`: must be an absolute path; begin it with /",
            bind("/srv/data", "data")),
        new Refused("mount target `/`: must not be the root itself", bind("/srv/data", "/")),
        new Refused(
            "mount target `/a/../..`: must not be the root itself", bind("/srv/data", "/a/../..")),
        new Refused( // case S13
            "mount `/proc`: only procfs can be mounted there; choose another place",
            bind("/srv/data", "/proc")),
        new Refused(
            "mount `/proc`: only procfs can be mounted there; choose another place",
            mount("tmpfs", "", "/x/../proc/")),
        new Refused(
            "mount `/proc/sys`: it lies in /proc, which steers the kernel; choose another place",
            bind("/srv/data", "/proc/sys")),
        new Refused(
            "mount `/proc/self/attr`: it lies in /proc, which steers the kernel; choose another"
                + " place",
            mount("volume", "v", "/proc/self/attr")),
        new Refused(
            "mount source `srv`: must be an absolute path; begin it with /", bind("srv", "/d")),
        new Refused(
            "mount `/d`: source `/nope` does not exist; make it first",
            bind("/nope", "/d").addOptions("nocreate")),
        new Refused(
            "mount `/d`: option `fast` is not known for a bind",
            bind("/srv/data", "/d").addOptions("fast")),
        new Refused(
            "mount `/d`: option `rw` contradicts another one",
            bind("/srv/data", "/d").addOptions("ro").addOptions("rw")),
        new Refused(
            "mount `/d`: option `rshared` contradicts another one",
            bind("/srv/data", "/d").addOptions("rslave").addOptions("rshared")),
        new Refused(
            "mount `/t`: option `lowerdir=/etc` is not known for a tmpfs",
            mount("tmpfs", "", "/t").addOptions("lowerdir=/etc")),
        new Refused(
            "mount `/t`: option `size=1k,mode=0` contains a comma or a NUL character",
            mount("tmpfs", "", "/t").addOptions("size=1k,mode=0")),
        new Refused(
            "mount `/p`: there is no type `nfs`; write bind, volume or tmpfs",
            mount("nfs", "a:/b", "/p")));
  }

  @ParameterizedTest
  @MethodSource("refused")
  void whatCannotBeMounted_isRefusedInOneLine(Refused row) {
    HostConfig host = HostConfig.newBuilder().addMounts(row.mount()).build();
    BerthException e =
        assertThrows(BerthException.InvalidArgument.class, () -> Requests.generate(host));
    assertEquals(row.line(), e.getMessage());
  }

  @Test // case S13
  void whatAnImageDeclaresOverProc_isRefusedBeforeItsVolumeIsMade() {
    ImageConfig image = ImageConfig.newBuilder().addVolumes("/proc").build();
    BerthException e =
        assertThrows(
            BerthException.InvalidArgument.class,
            () ->
                MountTable.volumesOf(
                    HostMessages.read(HostConfig.getDefaultInstance()).storage(),
                    ConfigMessages.read(image)));
    assertEquals(
        "mount `/proc`: only procfs can be mounted there; choose another place", e.getMessage());
  }

  @Test
  void aMissingSource_isToBeMade_unlessTheMountForbidsIt() {
    GeneratedSpec made =
        Requests.generate(HostConfig.newBuilder().addMounts(bind("/srv/a/deep", "/d")).build());
    assertEquals(List.of(Path.of("/srv/a/deep")), made.foldersToMake());
    assertEquals(
        List.of(),
        Requests.generate(HostConfig.newBuilder().addMounts(bind("/srv/data", "/d")).build())
            .foldersToMake());
  }

  @Test
  void theSameTargetTwice_isRefused() {
    HostConfig host =
        HostConfig.newBuilder()
            .addMounts(bind("/srv/data", "/d"))
            .addMounts(bind("/srv/data", "/x/../d/"))
            .build();
    BerthException e =
        assertThrows(BerthException.InvalidArgument.class, () -> Requests.generate(host));
    assertEquals("mount `/d`: given twice; leave one out", e.getMessage());
  }

  @Test
  void aMountAtDev_replacesAllBelow() {
    List<String> targets =
        Requests.generate(HostConfig.newBuilder().addMounts(bind("/srv/data", "/dev")).build())
            .spec()
            .mounts()
            .stream()
            .map(RuntimeSpec.Mount::destination)
            .toList();
    assertEquals(1, targets.stream().filter(target -> target.startsWith("/dev")).count());
  }

  @Test
  void aReadOnlyBind_isSoBelow_unlessAskedOtherwise() {
    assertEquals(
        List.of("rbind", "rprivate", "ro", "rro"),
        options(bind("/srv/data", "/d").setReadOnly(true)));
    assertEquals(
        List.of("rbind", "rprivate", "ro"),
        options(bind("/srv/data", "/d").setReadOnly(true).addOptions("bind-recursive=writable")));
    assertEquals(
        List.of("bind", "rshared", "nosuid"),
        options(
            bind("/srv/data", "/d")
                .addAllOptions(List.of("bind-nonrecursive", "rshared", "nosuid", "z"))));
  }

  @Test
  void tmpfsDefaults_giveWayToTheirOpposites() {
    assertEquals(
        List.of("nosuid", "exec", "dev", "mode=700", "size=2m", "ro"),
        options(
            mount("tmpfs", "", "/t")
                .setReadOnly(true)
                .addAllOptions(
                    List.of("exec", "dev", "size=1m", "tmpfs-mode=700", "tmpfs-size=2m"))));
  }

  @Test
  void aSharedMount_makesTheRootShared() {
    assertEquals("shared", propagation("rshared", "rslave"));
    assertEquals("shared", propagation("slave", "shared"));
    assertEquals("rslave", propagation("slave", "private"));
    assertEquals("", propagation("private", "rprivate"));
  }

  private static String propagation(String first, String second) {
    return Requests.generate(
            HostConfig.newBuilder()
                .addMounts(bind("/srv/data", "/a").addOptions(first))
                .addMounts(bind("/srv/data", "/b").addOptions(second))
                .build())
        .spec()
        .linux()
        .rootfsPropagation();
  }

  @Test
  void volumesOfTheImage_areAnonymous_unlessCovered() {
    HostConfig host =
        HostConfig.newBuilder()
            .addMounts(bind("/srv/data", "/covered/"))
            .addMounts(mount("volume", "named", "/n"))
            .build();
    ImageConfig image =
        ImageConfig.newBuilder()
            .addVolumes("/covered")
            .addVolumes("/free")
            .addVolumes("/free/")
            .addVolumes("/n")
            .build();
    assertEquals(
        List.of(new MountTable.Volume("/n", "named"), new MountTable.Volume("/free", "")),
        MountTable.volumesOf(HostMessages.read(host).storage(), ConfigMessages.read(image)));
  }

  @Test
  void aVolumeThatIsNotThere_isRefused() {
    HostConfig host = HostConfig.newBuilder().addMounts(mount("volume", "gone", "/v")).build();
    BerthException e =
        assertThrows(BerthException.FailedPrecondition.class, () -> Requests.generate(host));
    assertEquals("mount `/v`: its volume `gone` is not there; create it", e.getMessage());
  }

  @Test
  void theHostsIpc_isBoundWhereTheHostHasIt() {
    SpecRequest request = Requests.request(HostConfig.newBuilder().setIpcMode("host").build());
    HostFacts full = Requests.facts();
    HostFacts bare =
        new HostFacts(
            full.architecture(),
            full.processors(),
            full.hostname(),
            full.cgroups(),
            full.cgroupParent(),
            full.capabilities(),
            full.hardLimits(),
            full.devices(),
            path -> path.equals(Path.of("/dev/shm")),
            AppArmorFacts.OFF,
            null);
    assertEquals(List.of("/dev/mqueue", "/dev/shm"), bound(full, request));
    assertEquals(List.of("/dev/shm"), bound(bare, request));
  }

  private static List<String> bound(HostFacts facts, SpecRequest request) {
    return new SpecGenerator(facts)
        .generate(request, Requests.container(Map.of())).spec().mounts().stream()
            .filter(mount -> mount.type().equals("bind"))
            .map(RuntimeSpec.Mount::destination)
            .filter(target -> target.startsWith("/dev/"))
            .toList();
  }

  @Test
  void withoutIpcThereIsNoSharedMemory() {
    assertFalse(
        Requests.generate(HostConfig.newBuilder().setIpcMode("none").build())
            .spec()
            .mounts()
            .stream()
            .anyMatch(mount -> mount.destination().equals("/dev/shm")));
  }

  private static List<String> options(Mount.Builder mount) {
    GeneratedSpec generated = Requests.generate(HostConfig.newBuilder().addMounts(mount).build());
    return generated.spec().mounts().stream()
        .filter(one -> one.destination().equals(mount.getTarget()))
        .findFirst()
        .orElseThrow()
        .options();
  }

  private static Mount.Builder bind(String source, String target) {
    return mount("bind", source, target);
  }

  private static Mount.Builder mount(String type, String source, String target) {
    return Mount.newBuilder().setType(type).setSource(source).setTarget(target);
  }
}
