package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code dist/uninstall} and {@code quickstart --stop} take away what is Berth's, whatever folders
 * a configuration names and whatever is mounted below them. They run in a mount namespace; the
 * former's /etc, /usr and /run are its own.
 */
@Tag("root")
final class UninstallIT {
  @TempDir Path folder;

  private Command uninstall(String configuration) throws Exception {
    return uninstall(configuration, "");
  }

  /** With lines of shell before it, which may mount what they like. */
  private Command uninstall(String configuration, String before) throws Exception {
    Path script = ReadmeIT.top().resolve("dist/uninstall");
    Path config = Files.writeString(folder.resolve("config.toml"), configuration);
    String lines =
        """
        set -e
        mount -t tmpfs tmpfs %1$s/own
        mkdir %1$s/own/upper %1$s/own/work
        mount -t overlay overlay -o lowerdir=/usr,upperdir=%1$s/own/upper,workdir=%1$s/own/work /usr
        mount -t tmpfs tmpfs /etc
        mount -t tmpfs tmpfs /run
        mkdir -p /etc/berth/registries /run/somebody /usr/lib/berth/bin
        cp %2$s /etc/berth/config.toml
        touch /etc/berth/registries/mine.toml /run/somebody/mine
        ln -sfn /somebody/berth /usr/bin/berth
        %4$s
        %3$s --purge
        find /etc /run /usr/lib/berth /usr/bin/berth -not -path /run/mount 2>/dev/null | sort
        """
            .formatted(folder, config, script, before);
    Files.createDirectories(folder.resolve("own"));
    return inside(lines);
  }

  private static Command inside(String lines) {
    return Command.run(
        List.of("unshare", "--mount", "--propagation", "private", "bash", "-c", lines),
        new byte[0],
        Map.of());
  }

  /**
   * Lines that mount a user's folder over a volume's, as o=bind has it while a container uses it:
   * one folder with what is mounted below it, and one of the same file system.
   */
  private String volumesOf(Path root) throws Exception {
    Path mine = Files.createDirectories(folder.resolve("mine"));
    Files.writeString(mine.resolve("file"), "kept\n");
    Files.createDirectories(folder.resolve("disk"));
    return """
    mount -t tmpfs tmpfs %1$s/disk
    mount --make-shared %1$s/disk
    mkdir %1$s/disk/below
    mount -t tmpfs tmpfs %1$s/disk/below
    touch %1$s/disk/file %1$s/disk/below/file
    odd=$'%2$s/volumes/a b\\t\\n\\\\040'
    mkdir -p %2$s/volumes/x/_data "$odd"
    mount --bind %1$s/mine %2$s/volumes/x/_data
    mount --rbind %1$s/disk "$odd"
    """
        .formatted(folder, root);
  }

  private static final String OTHERS =
      """
      /etc
      /etc/berth
      /etc/berth/registries
      /etc/berth/registries/mine.toml
      /run
      /run/somebody
      /run/somebody/mine
      /usr/bin/berth
      """;

  // case P2: a configuration may name a folder that others live in.
  @Test
  void aSharedFolderStays() throws Exception {
    Path shared = Files.createDirectories(folder.resolve("shared"));
    Files.writeString(shared.resolve("mine"), "kept\n");
    Command done = uninstall("root = \"%s\"\nstate = \"/run\"\n".formatted(shared)).exits(0);
    assertEquals(OTHERS, done.out());
    assertEquals("kept\n", Files.readString(shared.resolve("mine")));
  }

  // case P2
  @Test
  void ofRootAndStateOnlyWhatServicesMadeGoes() throws Exception {
    Path root = Files.createDirectories(folder.resolve("lib"));
    Path state = Files.createDirectories(folder.resolve("run"));
    for (String made : List.of("image.db", "image.db-wal", "content", "s", "volumes")) {
      Files.createFile(root.resolve(made));
    }
    for (String made : List.of("image.lock", "image.sock", "t", "h", "shim-1.lock")) {
      Files.createFile(state.resolve(made));
    }
    Files.writeString(root.resolve("mine"), "kept\n");
    Command done = uninstall("root = \"%s\"\nstate = \"%s\"\n".formatted(root, state)).exits(0);
    assertEquals(OTHERS, done.out());
    done.says(root + " stays");
    try (var left = Files.list(root)) {
      assertEquals(List.of(root.resolve("mine")), left.toList());
    }
    assertEquals(false, Files.exists(state));
  }

  @Test
  void theResidentCommandLineEnds() throws Exception {
    Path state = Files.createDirectories(folder.resolve("run"));
    Files.createFile(state.resolve("image.lock"));
    Process resident =
        new ProcessBuilder("perl", "-e", "sleep", "--", "io.berth.cli.resident.ResidentMain")
            .start();
    try {
      Files.writeString(state.resolve("cli.pid"), resident.pid() + "\n");
      uninstall("root = \"%1$s/lib\"\nstate = \"%2$s\"\n".formatted(folder, state)).exits(0);
      assertEquals(true, resident.waitFor(20, TimeUnit.SECONDS));
      assertEquals(false, Files.exists(state));
    } finally {
      resident.destroyForcibly();
    }
  }

  // A volume with o=bind is the user's folder: rm goes through a bind mount of the same file
  // system.
  @Test
  void whatIsMountedBelowTheRootKeepsItsFiles() throws Exception {
    Path root = Files.createDirectories(folder.resolve("lib"));
    Files.createFile(root.resolve("image.db"));
    Command done =
        uninstall(
            "root = \"%s\"\nstate = \"%s/run\"\n".formatted(root, folder),
            volumesOf(root)
                + "trap 'ls %1$s/disk/file %1$s/disk/below/file' EXIT".formatted(folder));
    done.exits(0);
    assertEquals(OTHERS + "%1$s/disk/below/file\n%1$s/disk/file\n".formatted(folder), done.out());
    assertEquals("kept\n", Files.readString(folder.resolve("mine/file")));
    assertEquals(false, Files.exists(root));
  }

  @Test
  void nothingIsRemovedWhileSomethingIsStillMounted() throws Exception {
    Path root = Files.createDirectories(folder.resolve("lib"));
    Path state = Files.createDirectories(folder.resolve("run"));
    for (Path made : List.of(root.resolve("image.db"), state.resolve("image.lock"))) {
      Files.createFile(made);
    }
    Command done =
        uninstall(
            "root = \"%s\"\nstate = \"%s\"\n".formatted(root, state),
            volumesOf(root) + "ln -sfn /bin/false /usr/bin/umount");
    done.exits(1).says("cannot unmount " + root + "/volumes/x/_data; nothing is removed");
    assertEquals(1, done.err().lines().count(), done.err());
    assertEquals("kept\n", Files.readString(folder.resolve("mine/file")));
    for (Path made : List.of(root.resolve("image.db"), state.resolve("image.lock"))) {
      assertEquals(true, Files.exists(made), made.toString());
    }
  }

  @Test
  void whatIsMountedBelowAQuickstartKeepsItsFiles() throws Exception {
    Path dir = Files.createDirectories(folder.resolve("quick"));
    Files.writeString(dir.resolve(".made-by-berth-quickstart"), "made\n");
    Command done =
        inside(
            """
            set -e
            %1$s%2$s --stop --dir %3$s
            ls %4$s/disk/file %4$s/disk/below/file
            """
                .formatted(
                    volumesOf(dir.resolve("lib")),
                    ReadmeIT.top().resolve("quickstart"),
                    dir,
                    folder));
    done.exits(0).says("stopped and removed " + dir).says(folder + "/disk/below/file");
    assertEquals("kept\n", Files.readString(folder.resolve("mine/file")));
    assertEquals(false, Files.exists(dir));
  }
}
