package io.berth.containerd.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import io.berth.oci.runtime.Linux;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class DeviceFolderTest {
  @TempDir private Path folder;

  @Test
  void aNode_isReadFromTheHost_alsoThroughALink() throws IOException {
    DeviceFolder devices = new DeviceFolder(Path.of("/dev"));
    Linux.Device zero = devices.at("/dev/zero").getFirst();
    assertEquals(
        "/dev/zero c 1:5",
        zero.path() + " " + zero.type() + " " + zero.major() + ":" + zero.minor());
    Path link = Files.createSymbolicLink(folder.resolve("nothing"), Path.of("/dev/null"));
    Linux.Device linked = devices.at(link.toString()).getFirst();
    assertEquals(link + " 1:3", linked.path() + " " + linked.major() + ":" + linked.minor());
  }

  @Test
  void all_hasNodesOnly_andNoTerminalsOfOthers() {
    List<Linux.Device> all = new DeviceFolder(Path.of("/dev")).all();
    assertTrue(all.stream().anyMatch(device -> device.path().equals("/dev/null")));
    assertTrue(all.stream().noneMatch(device -> device.path().startsWith("/dev/pts")));
    assertTrue(all.stream().allMatch(device -> device.type().matches("[bc]")));
  }

  @Test
  void whatIsNoNode_isRefused() throws IOException {
    DeviceFolder devices = new DeviceFolder(folder);
    Path file = Files.createFile(folder.resolve("file"));
    BerthException none =
        assertThrows(BerthException.InvalidArgument.class, () -> devices.at(file.toString()));
    assertEquals(
        "device `" + file + "`: is neither a device node nor a folder of some", none.getMessage());
    BerthException missing =
        assertThrows(BerthException.InvalidArgument.class, () -> devices.at(folder + "/gone"));
    assertEquals(
        "device `" + folder + "/gone`: cannot be read: no such file", missing.getMessage());
    assertEquals(List.of(), devices.all());
  }

  @Test
  void numbersBeyondAByte_areUnpacked() {
    assertEquals(259, DeviceFolder.major(0x1_03_05L));
    assertEquals(0x12345, DeviceFolder.minor(0x12300845L));
    assertEquals(8, DeviceFolder.major(0x12300845L));
  }
}
