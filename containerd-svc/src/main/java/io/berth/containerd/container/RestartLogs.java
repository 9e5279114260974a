package io.berth.containerd.container;

import io.berth.base.error.BerthException;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where the label {@code containerd.io/restart.loguri} may lead. A program that it names would run
 * as root, and a file that it names would be written by root, and whoever makes an image chooses
 * its labels: so only what the configuration lists is taken, programs for {@code binary://} and
 * folders for {@code file://}.
 */
final class RestartLogs {
  private final List<Path> allowed;

  /**
   * @param allowed programs and folders, absolute
   */
  RestartLogs(List<String> allowed) {
    this.allowed = allowed.stream().map(Path::of).map(Path::normalize).toList();
  }

  /**
   * Answers the URI if it leads where it may.
   *
   * @throws BerthException.PermissionDenied if it does not
   */
  String check(String uri) {
    URI parsed;
    try {
      parsed = new URI(uri);
    } catch (URISyntaxException e) {
      throw refused(uri, "it is no URI", e);
    }
    String path = parsed.getPath();
    if (path == null || !path.startsWith("/") || parsed.getAuthority() != null) {
      throw refused(uri, "it names no absolute path", null);
    }
    boolean fits =
        switch (String.valueOf(parsed.getScheme())) {
          case "binary" -> allowed.contains(Path.of(path));
          case "file" -> isBelow(Path.of(path), uri);
          default -> false;
        };
    if (!fits) {
      throw refused(uri, "the configuration's `containerd.restart_logs` does not list it", null);
    }
    return uri;
  }

  // By the folder's real path, and not through a link: a name below an allowed folder may lead out.
  private boolean isBelow(Path file, String uri) {
    Path folder = file.normalize().getParent();
    if (folder == null || !folder.equals(file.getParent()) || Files.isSymbolicLink(file)) {
      return false;
    }
    try {
      Path real = folder.toRealPath();
      for (Path each : allowed) {
        if (Files.isDirectory(each) && real.startsWith(each.toRealPath())) {
          return true;
        }
      }
      return false;
    } catch (IOException e) {
      throw refused(uri, "its folder is not there", e);
    }
  }

  private static BerthException refused(String uri, String why, @Nullable Exception cause) {
    return new BerthException.PermissionDenied("log of a restart to `" + uri + "`: " + why, cause);
  }
}
