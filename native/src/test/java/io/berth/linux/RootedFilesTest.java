package io.berth.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.linux.RootedFiles.Confinement;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** No path of a container's leads out of its root, whatever links it is made of. */
final class RootedFilesTest {
  @TempDir Path folder;
  private Path top;
  private RootedFiles files;

  @BeforeEach
  void open() throws Exception {
    top = Files.createDirectory(folder.resolve("root"));
    files = RootedFiles.open(top, Confinement.IN_ROOT);
  }

  @AfterEach
  void close() {
    files.close();
  }

  @Test
  void linksAndDotsStayInside() throws Exception {
    Files.writeString(folder.resolve("secret"), "outside");
    Files.writeString(top.resolve("secret"), "inside");
    files.symbolicLink("up", "../../../secret");
    files.symbolicLink("absolute", "/secret");
    for (String path : List.of("../secret", "/../../secret", "up", "absolute", "/secret")) {
      try (Fd fd = files.open(path, OpenFlags.O_RDONLY)) {
        assertEquals("inside", new String(fd.readAll(100), StandardCharsets.UTF_8), path);
      }
    }
  }

  @Test
  void beneath_refusesWhatLeadsOut() throws Exception {
    Files.writeString(top.resolve("file"), "x");
    files.symbolicLink("absolute", "/file");
    try (RootedFiles beneath = RootedFiles.at(files.root(), Confinement.BENEATH)) {
      beneath.open("file", OpenFlags.O_RDONLY).close();
      for (String path : List.of("../root/file", "absolute", "/file")) {
        SyscallException e =
            assertThrows(SyscallException.class, () -> beneath.open(path, OpenFlags.O_RDONLY));
        assertEquals(Errno.EXDEV, e.errno(), path);
      }
      SyscallException e =
          assertThrows(SyscallException.class, () -> beneath.makeDirectory("/d", 0755));
      assertEquals(Errno.EXDEV, e.errno());
    }
  }

  @Test
  void magicLinksAreRefused() throws Exception {
    try (RootedFiles proc = RootedFiles.open(Path.of("/proc"), Confinement.IN_ROOT)) {
      SyscallException e =
          assertThrows(
              SyscallException.class, () -> proc.open("self/root/etc/passwd", OpenFlags.O_RDONLY));
      assertEquals(Errno.ELOOP, e.errno());
    }
  }

  @Test
  void create_refusesADanglingLink() throws Exception {
    files.symbolicLink("dangling", folder.resolve("made-outside").toString());
    SyscallException e = assertThrows(SyscallException.class, () -> files.create("dangling", 0644));
    assertEquals(Errno.EEXIST, e.errno());
    assertFalse(Files.exists(folder.resolve("made-outside")));
  }

  @Test
  void makeDirectories_tellsWhichItMade_andFollowsLinksInside() throws Exception {
    assertEquals(List.of("a", "a/b", "a/b/c"), files.makeDirectories("/a/b/c/", 0755));
    assertEquals(List.of("a/b/d"), files.makeDirectories("a/b/./d", 0700));
    assertEquals(List.of(), files.makeDirectories("a/b/d", 0755));
    files.symbolicLink("link", "a/b");
    assertEquals(List.of("link/e"), files.makeDirectories("link/e", 0755));
    assertTrue(Files.isDirectory(top.resolve("a/b/e")));
    files.create("file", 0644).close();
    SyscallException e =
        assertThrows(SyscallException.class, () -> files.makeDirectories("file/x", 0755));
    assertTrue(e.is(Errno.EEXIST) || e.is(Errno.ENOTDIR), e.getMessage());
  }

  @Test
  void makeDirectories_neverMakesAnythingOutside() throws Exception {
    files.symbolicLink("out", "../..");
    files.makeDirectories("out/made", 0755);
    assertTrue(Files.isDirectory(top.resolve("made")));
    assertFalse(Files.exists(folder.resolve("made")));
  }

  @Test
  void linksRenamesAndRemovals() throws Exception {
    files.create("a", 0640).close();
    files.hardLink("b", "a");
    assertEquals(2, files.status("b").links());
    files.makeDirectory("d", 0755);
    files.rename("b", "d/b", OpenFlags.RENAME_NOREPLACE);
    SyscallException e =
        assertThrows(
            SyscallException.class, () -> files.rename("a", "d/b", OpenFlags.RENAME_NOREPLACE));
    assertEquals(Errno.EEXIST, e.errno());
    files.unlink("d/b");
    files.removeDirectory("d");
    assertEquals(
        List.of("a"), files.list("/").stream().map(DirectoryEntry::name).sorted().toList());
    assertNull(files.statusOrNull("d"));
    assertNull(files.statusOrNull("a/b"));
  }

  @Test
  void hardLinkToASymbolicLink_linksTheLinkItself() throws Exception {
    files.symbolicLink("s", "/nowhere");
    files.hardLink("t", "s");
    assertEquals("/nowhere", files.readLink("t"));
  }

  @Test
  void changesConcernTheLinkItself() throws Exception {
    files.create("target", 0600).close();
    files.symbolicLink("link", "target");
    FileTimestamp then = new FileTimestamp(1_000_000_000L, 123_456_789);
    files.setTimes("link", then, then);
    assertEquals(then, files.status("link").modified());
    assertTrue(files.status("target").modified().seconds() > 1_000_000_000L);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void permissionsAreOfWhatStandsThere_neverOfWhatALinkNames(boolean byTheCall) throws Exception {
    files.create("target", 0600).close();
    files.symbolicLink("link", "target");
    files.makeDirectory("folder", 0700);
    Set<KernelFeature> before =
        KernelFeature.doWithout(byTheCall ? Set.of() : Set.of(KernelFeature.FCHMODAT2));
    try {
      SyscallException link =
          assertThrows(SyscallException.class, () -> files.changeMode("link", 0777));
      assertEquals(Errno.EOPNOTSUPP, link.errno());
      assertEquals(0600, files.status("target").permissions());
      files.changeMode("target", 04711);
      assertEquals(04711, files.status("target").permissions());
      files.changeMode("folder", 01750);
      assertEquals(01750, files.status("folder").permissions());
      SyscallException nothing =
          assertThrows(SyscallException.class, () -> files.changeMode("nothing", 0700));
      assertEquals(Errno.ENOENT, nothing.errno());
    } finally {
      var _ = KernelFeature.doWithout(before);
    }
  }

  @Test
  void fifoIsMade() throws Exception {
    files.makeNode("fifo", OpenFlags.S_IFIFO | 0600, new FileStatus.Device(0, 0));
    assertEquals(OpenFlags.S_IFIFO, files.status("fifo").type());
    assertEquals(OpenFlags.S_IFIFO, files.list("").getFirst().type());
  }

  @Test
  void attributesSurvive() throws Exception {
    files.create("f", 0600).close();
    assertEquals(List.of(), files.attributes("f"));
    files.setAttribute("f", "user.one", new byte[] {0, 1, 2});
    files.setAttribute("f", "user.two", new byte[0]);
    assertEquals(List.of("user.one", "user.two"), files.attributes("f").stream().sorted().toList());
    byte[] one = files.attribute("f", "user.one");
    assertNotNull(one);
    assertEquals(2, one[2]);
    assertNull(files.attribute("f", "user.three"));
  }

  @Test
  void namesThatAreNoUtf8_comeBackAsTheyWere() throws Exception {
    String name = FileNames.decode(new byte[] {'a', (byte) 0xff, (byte) 0xc3, 'b'}, 0, 4);
    files.create(name, 0600).close();
    assertEquals(name, files.list("").getFirst().name());
    files.unlink(name);
    String umlauts = "größe-\uD83D\uDE00";
    files.create(umlauts, 0600).close();
    assertEquals(umlauts, files.list("").getFirst().name());
    assertTrue(Files.exists(top.resolve("größe-\uD83D\uDE00"), LinkOption.NOFOLLOW_LINKS));
  }

  @Test
  void lastComponentsThatNameNothing_areRefused() {
    for (String path : List.of("", "/", "..", "a/..", ".")) {
      SyscallException e =
          assertThrows(SyscallException.class, () -> files.makeDirectory(path, 0755), path);
      assertEquals(Errno.EINVAL, e.errno(), path);
    }
  }

  @Test
  void removeTree_takesEverythingAndFollowsNothing() throws Exception {
    Path kept = Files.createDirectory(folder.resolve("kept"));
    Files.writeString(kept.resolve("file"), "x");
    files.makeDirectories("tree/a/b", 0755);
    files.symbolicLink("tree/a/out", kept.toString());
    files.symbolicLink("tree/a/up", "../../../kept");
    IntStream.range(0, 500)
        .forEach(i -> {
          try {
            files.create("tree/a/b/" + i, 0600).close();
          } catch (SyscallException e) {
            throw new AssertionError(e);
          }
        });
    files.removeTree("tree");
    assertNull(files.statusOrNull("tree"));
    assertTrue(Files.exists(kept.resolve("file")));
    files.removeTree("tree");
    files.removeTree("no/such/path");
  }

  @Test
  void removeTree_copesWithDepthBeyondItsDescriptors() throws Exception {
    Fd at = files.root().duplicate();
    files.makeDirectory("deep", 0755);
    try (RootedFiles start = RootedFiles.open(top.resolve("deep"), Confinement.BENEATH)) {
      at.close();
      at = start.root().duplicate();
    }
    for (int i = 0; i < 400; i++) {
      try (RootedFiles here = RootedFiles.at(at, Confinement.BENEATH)) {
        here.makeDirectory("directory-with-a-long-name", 0755);
        here.create("file", 0600).close();
        Fd next = here.open("directory-with-a-long-name", OpenFlags.O_PATH);
        at.close();
        at = next;
      }
    }
    at.close();
    files.removeTree("deep");
    assertNull(files.statusOrNull("deep"));
  }
}
