package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code dist/uninstall} takes away what is Berth's, whatever folders a configuration names. It
 * runs in a mount namespace whose /etc, /usr and /run are its own.
 */
@Tag("root")
final class UninstallIT {
  @TempDir Path folder;

  private Command uninstall(String configuration) throws Exception {
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
        %3$s --purge
        find /etc /run /usr/lib/berth /usr/bin/berth 2>/dev/null | sort
        """
            .formatted(folder, config, script);
    Files.createDirectories(folder.resolve("own"));
    return Command.run(
        List.of("unshare", "--mount", "--propagation", "private", "bash", "-c", lines),
        new byte[0],
        Map.of());
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
}
