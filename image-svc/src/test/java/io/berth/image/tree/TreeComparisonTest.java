package io.berth.image.tree;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.berth.linux.FileStatus;
import io.berth.linux.FileTimestamp;
import io.berth.linux.OpenFlags;
import io.berth.linux.RootedFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Changes between trees that lie in folders, and between layers as overlayfs keeps them. */
final class TreeComparisonTest {
  private static final FileTime THEN = FileTime.fromMillis(1_000_000_000_000L);

  @TempDir Path folder;
  private Path before = Path.of("/");
  private Path now = Path.of("/");

  @BeforeEach
  void twoTrees() throws IOException {
    before = Files.createDirectory(folder.resolve("before"));
    now = Files.createDirectory(folder.resolve("now"));
  }

  private static Path file(Path tree, String name, String content) throws IOException {
    Path file = tree.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, content);
    return Files.setLastModifiedTime(file, THEN);
  }

  private static void link(Path tree, String target) throws IOException {
    try (RootedFiles files = RootedFiles.open(tree, RootedFiles.Confinement.BENEATH)) {
      files.symbolicLink("link", target);
      FileTimestamp then = new FileTimestamp(THEN.toMillis() / 1000, 0);
      files.setTimes("link", then, then);
    }
  }

  /** Directories get the same time, so that only what is meant differs. */
  private static void settle(Path tree) throws IOException {
    try (Stream<Path> all = Files.walk(tree)) {
      for (Path directory : all.filter(Files::isDirectory).toList()) {
        Files.setLastModifiedTime(directory, THEN);
      }
    }
  }

  private List<String> changes() throws IOException {
    settle(before);
    settle(now);
    try (MergedTree a = MergedTree.open(List.of(now), /* layered= */ false);
        MergedTree b = MergedTree.open(List.of(before), /* layered= */ false)) {
      return text(TreeComparison.changes(a, b, /* stacked= */ false));
    }
  }

  private static List<String> text(List<Change> changes) {
    return changes.stream()
        .map(change -> change.kind().name().charAt(0) + " " + change.path())
        .toList();
  }

  @Test
  void sameTrees_haveNoChanges() throws Exception {
    for (Path tree : List.of(before, now)) {
      file(tree, "a/b/c", "same");
      link(tree, "a/b");
    }
    assertEquals(List.of(), changes());
    Files.delete(now.resolve("link"));
    link(now, "a/c");
    assertEquals(List.of("C link"), changes());
  }

  @Test
  void contentModeTypeAndTime_areChanges() throws Exception {
    for (Path tree : List.of(before, now)) {
      for (String name : List.of("d/size", "d/mode", "d/time", "d/type", "d/same")) {
        file(tree, name, "x");
      }
    }
    file(now, "d/size", "xx");
    Files.setPosixFilePermissions(
        now.resolve("d/mode"), PosixFilePermissions.fromString("rwx------"));
    Files.setLastModifiedTime(now.resolve("d/time"), FileTime.fromMillis(0));
    Files.delete(now.resolve("d/type"));
    file(now, "d/type/below", "new");
    assertEquals(
        List.of("C d/mode", "C d/size", "C d/time", "C d/type", "A d/type/below"), changes());
  }

  @Test
  void additionsAndDeletions_changeTheirDirectoryOnce_butNeverTheRoot() throws Exception {
    file(before, "d/gone/deep/er", "x");
    file(before, "d/gone2", "x");
    file(before, "top", "x");
    file(now, "d/new/deep", "x");
    file(now, "top2", "x");
    // What was below a deleted directory is not listed: the directory stands for it.
    assertEquals(
        List.of("C d", "D d/gone", "D d/gone2", "A d/new", "A d/new/deep", "D top", "A top2"),
        changes());
  }

  @Test
  void names_areSortedSoThatADirectorysContentFollowsIt() throws Exception {
    file(now, "a/x", "1");
    file(now, "a-b", "1");
    file(now, "a.c", "1");
    assertEquals(List.of("A a", "A a/x", "A a-b", "A a.c"), changes());
  }

  /** Only the layer on top is walked, and its deletions are seen. */
  @Test
  void layers_tellDeletionsByTheirMarks() throws Exception {
    file(before, "etc/kept", "x");
    file(before, "etc/gone", "x");
    file(before, "etc/changed", "x");
    settle(before);
    file(now, "etc/changed", "longer");
    file(now, "etc/new", "y");
    try (RootedFiles upper = RootedFiles.open(now, RootedFiles.Confinement.BENEATH)) {
      // This device is a deletion as the kernel keeps it; making it needs no privileges.
      upper.makeNode("etc/gone", OpenFlags.S_IFCHR, new FileStatus.Device(0, 0));
      upper.makeNode("etc/never", OpenFlags.S_IFCHR, new FileStatus.Device(0, 0));
    }
    settle(now);
    try (MergedTree a = MergedTree.open(List.of(now, before), /* layered= */ true);
        MergedTree b = MergedTree.open(List.of(before), /* layered= */ true)) {
      List<String> expected = List.of("C etc", "C etc/changed", "D etc/gone", "A etc/new");
      assertEquals(expected, text(TreeComparison.changes(a, b, /* stacked= */ true)));
      // The changes are the same when everything is compared.
      assertEquals(expected, text(TreeComparison.changes(a, b, /* stacked= */ false)));
    }
  }
}
